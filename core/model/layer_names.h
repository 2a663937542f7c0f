// Names of layers and parameters inside blocks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// The index of the block in a layer's or parameter's name, and the rest: "blocks.3.attn.qkv" -> 3, ".attn.qkv".
struct InBlock {
  int64_t index = 0;
  std::string rest;
};
std::optional<InBlock> in_block(std::string_view name);
std::string block_path(int64_t index);
// Returns the names that `name` gets when block i is made of the old block sources[i]: none, one or several for a name in a
// block, itself for any other.
std::vector<std::string> arranged_names(const std::string& name, const std::vector<int64_t>& sources);
// Returns the names that a name in block 0 has in the new blocks, those where sources[i] is kNewBlock.
std::vector<std::string> names_in_new_blocks(const std::string& name, const std::vector<int64_t>& sources);
// Calls visit(name, kind of its layer, like) for each parameter of the new blocks except adapters'. `parts` is a map by
// parameter; `like` is its entry for block 0's parameter.
template <class Map, class Visit>
void visit_new_parameters(const std::vector<Layer>& layers, const Map& parts, const std::vector<int64_t>& sources,
                          Visit visit) {
  for (const Layer& layer : layers)
    for (const char* part : {".weight", ".bias"}) {
      const auto like = parts.find(layer.path + part);
      if (like == parts.end()) continue;
      for (const std::string& name : names_in_new_blocks(like->first, sources)) visit(name, layer.kind, like->second);
    }
}

// Returns whether `name` is a parameter of the layer at `path` or of a layer below it.
bool belongs(std::string_view name, std::string_view path);

}  // namespace gptcore
