#include "core/pipeline/session.h"

#include <algorithm>
#include <set>

#include "core/config/suggest.h"
#include "core/model/gpt.h"
#include "core/train/cpu_allocator.h"
#include "core/train/device.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// The layers that an [[adapter]] names and that take one.
std::vector<Layer> adapted_layers(Model& model, const Section& section) {
  std::vector<Layer> able, all;
  std::vector<std::string> paths, targets;
  for (Layer& layer : model.layers())
    if (layer.takes_adapter) {
      paths.push_back(layer.path);
      able.push_back(std::move(layer));
    }
  detail::from_value(*find(section.values, "targets"), targets);
  for (const std::string& target : targets) {
    const std::vector<Layer> found = layers_matching(able, target);
    if (found.empty())
      throw Error(Code::unknown_name, "adapter '" + section.use + "': no layer that takes an adapter fits '" + target + "'",
                  did_you_mean(target, paths, "there are " + listed(paths)), section.location.text());
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

at::Tensor weight_of(const Layer& layer, const std::vector<Parameter>& parameters, const Section& section) {
  for (const Parameter& p : parameters)
    if (p.name == layer.path + ".weight") return p.tensor.detach();
  throw Error(Code::plugin_failed, "the model has no parameter '" + layer.path + ".weight' for its layer '" + layer.path + "'",
              "a model names a layer's parameters after it", section.location.text());
}

}  // namespace

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

void Session::open_dataset(const PipelineConfig& config, uint64_t seed, FileSystem& files, const Checkpoint* checkpoint) {
  if (!config.dataset) return;
  make_model(config.model);
  const Value* vocab_size = find(config.model.values, "vocab_size");
  dataset = plugins.dataset(config.dataset->use, config.dataset->values);
  DatasetContext context;
  context.tokenizer = tokenizer.get();
  context.block_size = model->block_size();
  context.vocab_limit = vocab_size && vocab_size->is<int64_t>() ? vocab_size->as<int64_t>() : 0;
  context.seed = seed;
  context.host = &host;
  dataset->open(context);
  if (checkpoint && checkpoint->has(kDatasetFile)) dataset->load(checkpoint->text(files, kDatasetFile));
}

void Session::open_model(const PipelineConfig& config) {
  make_model(config.model);
  ModelContext context;
  if (tokenizer && tokenizer->ready()) context.vocab_size = tokenizer->vocab_size();
  if (dataset) context.vocab_size = std::max(context.vocab_size, dataset->vocab_size());
  model->open(context);
  model->place(device, compute);
  attach_adapters(config.adapters);
}

void Session::make_model(const Section& section) {
  if (model) return;
  if (section.use == "gpt")
    model = std::make_unique<Network>(std::make_unique<Gpt>(section.as<GptOptions>()));
  else
    model = std::make_unique<Network>(plugins.model(section.use, section.values));
}

void Session::attach_adapters(const std::vector<Section>& sections) {
  const std::vector<Parameter> base = model->parameters();
  std::set<std::string> taken;
  for (const Section& section : sections) {
    if (!find(section.values, "train_base")->as<bool>())
      for (const Parameter& p : base) p.tensor.set_requires_grad(false);
    for (const Layer& layer : adapted_layers(*model, section)) {
      if (!taken.insert(layer.path).second)
        throw Error(Code::conflict, "layer '" + layer.path + "' gets two adapters", "name it in one [[adapter]] only",
                    section.location.text());
      std::shared_ptr<Adapter> adapter = plugins.adapter(section.use, section.values);
      adapter->open({layer.path, layer.kind, weight_of(layer, base, section), &host});
      model->attach(section.use, layer.path, std::move(adapter));
    }
  }
}

}  // namespace gptcore
