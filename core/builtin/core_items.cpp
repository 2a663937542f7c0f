#include "core/builtin/core_items.h"

#include "core/builtin/model_preset.h"
#include "core/options/gpt_options.h"
#include "gptcore/version.h"

namespace gptcore {

void add_core_items(Catalog& catalog) {
  ItemInfo gpt;
  gpt.kind = Kind::model;
  gpt.name = "gpt";
  gpt.doc = "GPT-2: learned or rotary positions, pre-LayerNorm, a tied head or one of its own";
  gpt.params = schema_of<GptOptions>().specs();
  gpt.plugin = "core";
  gpt.plugin_version = GPTCORE_VERSION;
  gpt.check = [](const Table& params) {
    GptOptions options;
    schema_of<GptOptions>().assign(params, options);
    return schema_of<GptOptions>().problems(options);
  };
  gpt.preset = model_preset;
  gpt.tokenizers = source_tokenizers;
  catalog.add(std::move(gpt));
}

}  // namespace gptcore
