#include "ranks.h"

#include <algorithm>

#include "../argument.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/error.h"

namespace gptcore::operations {
namespace {

std::vector<int64_t> shape_of(const ModelView& model, const std::string& path) {
  for (const ParameterInfo& p : model.parameters())
    if (p.name == path + ".weight" && p.shape.size() == 2) return p.shape;
  throw Error(Code::model_shape, "layer '" + path + "' has no weight matrix to adapt");
}

std::vector<std::string> adaptable(const std::vector<Layer>& layers, const std::string& pattern) {
  std::vector<std::string> paths;
  for (const Layer& layer : layers)
    if (layer.takes_adapter) paths.push_back(layer.path);
  if (paths.empty())
    throw Error(Code::model_shape, "no layer that takes an adapter fits '" + pattern + "'",
                "linears of blocks and the embedding wte do");
  return paths;
}

void refuse_above(const ModelView& model, const std::string& path, int64_t rank) {
  const std::vector<int64_t> shape = shape_of(model, path);
  const int64_t most = std::min(shape[0], shape[1]);
  if (rank > most)
    throw Error(Code::out_of_range,
                "rank " + std::to_string(rank) + " is above the smaller dimension of '" + path + "', " +
                    std::to_string(shape[0]) + " x " + std::to_string(shape[1]),
                "use a rank of " + std::to_string(most) + " or less");
}

void plan_removal(ModelEdit& edit, const std::vector<AdapterInfo>& old, const RankOptions& options) {
  bool same = true;
  for (const AdapterInfo& a : old) {
    if (replaces_layer(a))
      throw Error(Code::conflict, "the adapter of '" + a.layer + "' stands in the layer's place and has no rank 0",
                  "use a rank of 1 or more");
    edit.merge_adapter(a.layer, /*drop=*/true);
    if (options.freeze == "adapted") edit.unfreeze(a.layer);
    same = same && !is_embedding(edit.model(), a.layer);  // its weight is also the head's
  }
  if (!old.empty() && same) edit.expect_same_function(options.tolerance);
}

// Returns whether the layer computes the same with the new rank and alpha.
bool keeps(const AdapterInfo& old, int64_t rank, const RankOptions& options) {
  const auto old_rank = number_of(old, "rank"), old_alpha = number_of(old, "alpha");
  if (old.item != options.adapter || !old_rank || *old_rank > static_cast<double>(rank)) return false;
  return *old_rank < static_cast<double>(rank) || !options.alpha || options.alpha == old_alpha;
}

}  // namespace

std::string adapted_pattern(const std::string& name) {
  const std::string pattern = full_pattern(name);
  return name.starts_with("attn.") && pattern.ends_with(".attn.*") ? pattern.substr(0, pattern.size() - 1) + "qkv" : pattern;
}

void check_rank(const ModelView& model, const std::string& pattern, int64_t rank) {
  for (const std::string& path : adaptable(layers_of_any_block(model.layers(), pattern), pattern))
    refuse_above(model, path, rank);
}

void plan_rank(ModelEdit& edit, const std::string& pattern, int64_t rank, const RankOptions& options) {
  const ModelView& model = edit.model();
  const std::vector<std::string> paths = adaptable(layers_named(model.layers(), pattern), pattern);
  for (const std::string& path : paths) refuse_above(model, path, rank);
  if (rank == 0) return plan_removal(edit, adapters_on(model, pattern, options.adapter), options);

  Table values = {{"rank", rank}};
  if (options.alpha) values.emplace_back("alpha", *options.alpha);
  edit.set_adapter(pattern, options.adapter, values, options.freeze != "all");
  const std::vector<AdapterInfo> all = model.adapters();
  bool same = true;
  for (const std::string& path : paths) {
    const auto old = std::find_if(all.begin(), all.end(), [&](const AdapterInfo& a) { return a.layer == path; });
    if (old != all.end())
      same = same && keeps(*old, rank, options);
    else if (options.freeze == "adapted")
      edit.freeze(path);
  }
  if (same) edit.expect_same_function(options.tolerance);
}

std::vector<AdapterInfo> adapters_on(const ModelView& model, const std::string& pattern, const std::string& item) {
  const std::vector<Layer> layers = layers_named(model.layers(), pattern);
  std::vector<AdapterInfo> found = model.adapters();
  std::erase_if(found, [&](const AdapterInfo& a) {
    const bool named = std::any_of(layers.begin(), layers.end(), [&](const Layer& l) { return l.path == a.layer; });
    return !named || a.item != item;
  });
  return found;
}

std::optional<double> number_of(const AdapterInfo& adapter, const std::string& key) {
  const Value* value = find(adapter.values, key);
  return value ? number_in(*value) : std::nullopt;
}

bool replaces_layer(const AdapterInfo& adapter) {
  const Value* mode = find(adapter.values, "mode");
  return mode && *mode == Value("replace");
}

bool is_embedding(const ModelView& model, const std::string& path) {
  for (const Layer& layer : model.layers())
    if (layer.path == path) return layer.kind == LayerKind::embedding;
  return false;
}

int64_t columns_of(const ModelView& model, const std::string& path) {
  return shape_of(model, path)[1];
}

}  // namespace gptcore::operations
