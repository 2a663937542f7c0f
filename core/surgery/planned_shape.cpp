#include "core/surgery/planned_shape.h"

#include <algorithm>

#include "core/model/layer_names.h"
#include "gptcore/draft/model_edit.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

int64_t blocks_of(const std::vector<Layer>& layers) {
  return std::count_if(layers.begin(), layers.end(), [](const Layer& l) { return l.kind == LayerKind::block; });
}

// Renames the entries of blocks: that of old block sources[i] appears as block i.
template <class Map> Map arranged(const Map& old, const std::vector<int64_t>& sources) {
  Map out;
  for (const auto& [name, value] : old)
    for (const std::string& now : arranged_names(name, sources)) out.emplace(now, value);
  return out;
}

std::vector<Layer> arranged_layers(const std::vector<Layer>& old, const std::vector<int64_t>& sources) {
  std::vector<Layer> out;
  bool done = false;
  for (const Layer& layer : old) {
    if (!in_block(layer.path)) {
      out.push_back(layer);
      continue;
    }
    for (size_t i = 0; !done && i < sources.size(); ++i)
      for (const Layer& other : old)
        if (const auto place = in_block(other.path); place && place->index == std::max<int64_t>(sources[i], 0))
          out.push_back({block_path(static_cast<int64_t>(i)) + place->rest, other.kind, other.takes_adapter});
    done = true;
  }
  return out;
}

[[noreturn]] void refuse_adapter(const std::string& layer) {
  throw Error(Code::conflict, "layer '" + layer + "' has an adapter, whose shape would not fit", "merge the adapter first");
}

}  // namespace

std::string range_of(int64_t count) {
  return count == 1 ? "0" : "0 to " + std::to_string(count - 1);
}

PlannedShape::PlannedShape(const ModelView& model) : layers(model.layers()), vocab(model.vocab_size()) {
  for (const ParameterInfo& p : model.parameters()) {
    parameters[p.name] = p.shape;
    trainable[p.name] = p.trainable;
  }
  for (const AdapterInfo& a : model.adapters()) adapters[a.layer] = a;
}

void PlannedShape::arrange_blocks(const std::vector<int64_t>& sources) {
  const int64_t blocks = blocks_of(layers);
  if (sources.empty())
    throw Error(Code::out_of_range, "the list of blocks is empty", "name at least one of " + range_of(blocks));
  for (const int64_t source : sources)
    if (source != kNewBlock && (source < 0 || source >= blocks))
      throw Error(Code::out_of_range, "there is no block " + std::to_string(source),
                  "the model has blocks " + range_of(blocks));
  const bool inserts = std::find(sources.begin(), sources.end(), kNewBlock) != sources.end();
  if (inserts && !(parameters.contains("blocks.0.attn.proj.weight") && parameters.contains("blocks.0.mlp.proj.weight")))
    throw Error(Code::model_shape, "the model's blocks have no projections attn.proj and mlp.proj",
                "new blocks can only be put into a GPT");
  Shapes shapes = arranged(parameters, sources);
  trainable = arranged(trainable, sources);
  visit_new_parameters(layers, parameters, sources, [&](const std::string& name, LayerKind, const auto& shape) {
    shapes.emplace(name, shape);
    trainable.emplace(name, true);
  });
  parameters = std::move(shapes);
  layers = arranged_layers(layers, sources);
  adapters = arranged(adapters, sources);
  for (auto& [layer, adapter] : adapters) adapter.layer = layer;
}

void PlannedShape::widen_mlp(int64_t hidden) {
  bool any = false;
  for (auto& [name, shape] : parameters) {
    const bool in = name.ends_with(".mlp.fc.weight") || name.ends_with(".mlp.fc.bias"),
               out = name.ends_with(".mlp.proj.weight");
    if (!in && !out) continue;
    int64_t& units = shape[in ? 0 : 1];
    if (hidden <= units)
      throw Error(Code::out_of_range,
                  "an MLP of " + std::to_string(units) + " units cannot be widened to " + std::to_string(hidden),
                  "name a greater number");
    units = hidden;
    any = true;
  }
  if (!any) throw Error(Code::model_shape, "the model has no layers blocks.*.mlp.fc to widen");
  for (const auto& [layer, adapter] : adapters)
    if (layer.find(".mlp.") != std::string::npos) refuse_adapter(layer);
}

void PlannedShape::drop_adapter(const std::string& layer) {
  const auto found = adapters.find(layer);
  if (found == adapters.end()) return;
  std::erase_if(trainable, [&](const auto& p) { return belongs(p.first, layer + "." + found->second.item); });
  adapters.erase(found);
}

void PlannedShape::widen_embedding(int64_t n_embd) {
  if (!adapters.empty()) refuse_adapter(adapters.begin()->first);
  const int64_t width = width_of(parameters);
  if (n_embd <= width || n_embd % width != 0)
    throw Error(Code::out_of_range,
                "an embedding " + std::to_string(width) + " wide cannot be widened to " + std::to_string(n_embd),
                "name a whole multiple: " + std::to_string(2 * width) + ", " + std::to_string(3 * width) + ", ...");
  for (auto& [name, shape] : parameters) {
    const Channels channels = channels_of(name, has_tied_head(parameters)).value();
    for (const auto dim : {channels.made, channels.read})
      if (dim) shape[*dim] = shape[*dim] / width * n_embd;
  }
}

}  // namespace gptcore
