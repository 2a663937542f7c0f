#include "core/pipeline/model_maker.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/model/gpt.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

// Returns the layers that the section's targets name and that take an adapter, each once.
std::vector<Layer> adapted_layers(Model& model, const Section& section) {
  const std::vector<Layer> layers = model.layers();
  std::vector<Layer> able, all;
  std::copy_if(layers.begin(), layers.end(), std::back_inserter(able), [](const Layer& layer) { return layer.takes_adapter; });
  std::vector<std::string> targets;
  detail::from_value(*find(section.values, "targets"), targets);
  std::set<std::string> taken;
  for (const std::string& target : targets) {
    std::vector<Layer> found = layers_fitting(layers, target);
    const std::string adapter = "adapter '" + section.use + "': ";
    if (found.empty())
      throw Error(Code::unknown_name, adapter + "no layer that takes an adapter fits '" + target + "'",
                  hint_for_layer(able, target), section.location.text());
    std::erase_if(found, [](const Layer& layer) { return !layer.takes_adapter; });
    if (found.empty())
      throw Error(Code::model_shape, adapter + "'" + target + "' takes no adapter",
                  "linears of blocks and the embedding wte do", section.location.text());
    for (const Layer& layer : found)
      if (taken.insert(layer.path).second) all.push_back(layer);
  }
  return all;
}

at::Tensor weight_of(Network& network, const std::string& layer) {
  for (const Parameter& p : network.parameters())
    if (p.name == layer + ".weight") return p.tensor;
  throw Error(Code::plugin_failed, "the model has no parameter '" + layer + ".weight' for its layer '" + layer + "'",
              "a model names a layer's parameters after it");
}

}  // namespace

void ModelMaker::use(const PipelineConfig& config) {
  model_ = config.model;
  adapters_ = config.adapters;
}

Section ModelMaker::changed(const Structure& structure) const {
  Section section = model_;
  put_all(section.values, structure.keys);
  return section;
}

std::unique_ptr<Network> ModelMaker::unopened(const Structure& structure) const {
  const Section section = changed(structure);
  if (section.use == "gpt") return std::make_unique<Network>(std::make_unique<Gpt>(section.as<GptOptions>()));
  return std::make_unique<Network>(plugins_.model(section.use, section.values));
}

void ModelMaker::open(Network& network, const Structure& structure, int64_t data_vocab_size) const {
  network.open({data_vocab_size});
  network.place(device_, compute_);
  if (!structure.adapters) {
    attach_configured(network);
  } else {
    const std::vector<Layer> layers = network.layers();
    for (const AdapterInfo& info : *structure.adapters) {
      const auto layer = std::find_if(layers.begin(), layers.end(), [&](const Layer& l) { return l.path == info.layer; });
      if (layer == layers.end()) throw Error(Code::model_shape, "the model has no layer '" + info.layer + "' for its adapter");
      attach(network, info, layer->kind);
    }
  }
  for (const Parameter& p : network.parameters())
    if (const auto found = structure.trainable.find(p.name); found != structure.trainable.end())
      p.tensor.set_requires_grad(found->second);
}

void ModelMaker::attach(Network& network, const AdapterInfo& info, LayerKind kind) const {
  network.attach(info, adapter(info, kind, weight_of(network, info.layer)));
}

void ModelMaker::attach_configured(Network& network) const {
  const std::vector<Parameter> base = network.parameters();
  std::set<std::string> taken;
  for (const Section& section : adapters_) {
    if (!find(section.values, "train_base")->as<bool>())
      for (const Parameter& p : base) p.tensor.set_requires_grad(false);
    for (const Layer& layer : adapted_layers(network, section)) {
      if (!taken.insert(layer.path).second)
        throw Error(Code::conflict, "layer '" + layer.path + "' gets two adapters", "name it in one [[adapter]] only",
                    section.location.text());
      Table own;
      for (const ParamSpec& spec : plugins_.item(Kind::adapter, section.use).params)
        if (const Value* value = find(section.values, spec.name); value && !value->empty()) own.emplace_back(spec.name, *value);
      try {
        attach(network, {layer.path, section.use, own}, layer.kind);
      } catch (const Error& e) {
        throw e.at(section.location.text());
      }
    }
  }
}

std::shared_ptr<Adapter> ModelMaker::adapter(const AdapterInfo& info, LayerKind kind, const at::Tensor& weight) const {
  std::shared_ptr<Adapter> made = plugins_.adapter(info.item, info.values);
  AdapterContext context;
  context.layer = info.layer;
  context.kind = kind;
  context.weight = weight;
  context.host = &host_;
  made->open(context);
  return made;
}

Table ModelMaker::adapter_values(const std::string& item, const Table& values) const {
  const std::vector<ParamSpec>& params = plugins_.item(Kind::adapter, item).params;
  std::vector<std::string> known;
  for (const ParamSpec& spec : params) known.push_back(spec.name);
  for (const auto& [key, value] : values)
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(Code::unknown_key, "adapter '" + item + "' has no key '" + key + "'",
                  did_you_mean(key, known, "it has " + listed(known)));
  Table all;
  for (const ParamSpec& spec : params) {
    const Value* given = find(values, spec.name);
    if (given)
      if (const auto wrong = misfit(spec, *given))
        throw Error(wrong->wrong_type ? Code::wrong_type : Code::out_of_range, "'" + spec.name + "' " + wrong->text);
    const Value& value = given ? *given : spec.fallback;
    if (!value.empty()) all.emplace_back(spec.name, value);
  }
  return all;
}

}  // namespace gptcore
