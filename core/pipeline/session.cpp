#include "core/pipeline/session.h"

#include "core/model/gpt.h"
#include "core/train/cpu_allocator.h"
#include "core/train/device.h"
#include "gptcore/error.h"

namespace gptcore {

Session::Session(const RunOptions& options, const std::vector<std::string>& plugin_files)
    : host(log),
      device(choose_device(options.device)),
      compute(precision_of(options.precision)),
      threads(set_threads(options.threads)) {
  use_caching_cpu_allocator();
  for (const std::string& file : plugin_files) plugins.load(file);
}

void Session::open_tokenizer(const PipelineConfig& config, FileSystem& files, const Checkpoint* checkpoint) {
  if (!config.tokenizer) return;
  tokenizer = plugins.tokenizer(config.tokenizer->use, config.tokenizer->values);
  tokenizer->open(host);
  if (checkpoint && checkpoint->has(kTokenizerFile)) tokenizer->load(checkpoint->text(files, kTokenizerFile));
}

void Session::open_dataset(const PipelineConfig& config, uint64_t seed) {
  if (!config.dataset) return;
  const auto block_size = find(config.model.values, "block_size");
  const auto vocab_size = find(config.model.values, "vocab_size");
  dataset = plugins.dataset(config.dataset->use, config.dataset->values);
  DatasetContext context;
  context.tokenizer = tokenizer.get();
  context.block_size = block_size ? block_size->as<int64_t>() : 0;
  context.vocab_limit = vocab_size ? vocab_size->as<int64_t>() : 0;
  context.seed = seed;
  context.host = &host;
  dataset->open(context);
}

void Session::open_model(const PipelineConfig& config) {
  model = make_model(config.model);
  ModelContext context;
  if (tokenizer && tokenizer->ready()) context.vocab_size = tokenizer->vocab_size();
  if (dataset) context.vocab_size = std::max(context.vocab_size, dataset->vocab_size());
  model->open(context);
  model->place(device, compute);
}

std::unique_ptr<Model> make_model(const Section& section) {
  if (section.use != "gpt")
    throw Error(Code::plugin_refused, "model '" + section.use + "' is a plugin's, and the model interface is still a draft",
                "use = \"gpt\"", section.location.text());
  return std::make_unique<Gpt>(section.as<GptOptions>());
}

}  // namespace gptcore
