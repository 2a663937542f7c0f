#include "apps/gptcore/pipeline_file.h"

#include <algorithm>

#include "core/base/message.h"
#include "core/builtin/core_items.h"
#include "core/plugin/search.h"

namespace gptcore {

Pipeline load_with_plugins(const LoadRequest& given) {
  LoadRequest request = given;
  request.default_loggers = {kTerminalLogger, "jsonl"};
  const PipelineLoader loader(request);
  const NamedPlugins named = loader.plugins();
  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;
  Catalog catalog = read_catalog(named.files, refused, std::move(core), named.replace);

  std::vector<Error> fatal;
  for (const Error& error : refused) {
    const bool asked_for = std::find(named.files.begin(), named.files.end(), error.where()) != named.files.end();
    if (asked_for || error.code() == Code::plugin_clash)
      fatal.push_back(error);
    else
      print_warning(error);
  }
  if (!fatal.empty()) throw ConfigErrors(std::move(fatal));
  PipelineConfig config = loader.load(catalog);
  return {std::move(config), std::move(catalog)};
}

}  // namespace gptcore
