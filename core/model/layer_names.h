// How edits and operations name layers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// "attn.3" -> "blocks.3.attn.*", "mlp.3" -> "blocks.3.mlp.*", "ln_1.3" -> "blocks.3.ln_1"; other patterns stay as they are.
std::string full_pattern(std::string_view pattern);
// The layers whose path fits `pattern` (as file names fit a shell's), in the model's order.
std::vector<Layer> layers_matching(const std::vector<Layer>& layers, std::string_view pattern);
// The same after full_pattern(), where "lm_head" is "wte" in a model whose head is tied; Error(unknown_name) with a suggestion
// where none fits.
std::vector<Layer> layers_named(const std::vector<Layer>& layers, std::string_view pattern);

// The block that a layer's or parameter's name lies in, and the rest: "blocks.3.attn.qkv" -> 3, ".attn.qkv".
struct InBlock {
  int64_t index = 0;
  std::string rest;
};
std::optional<InBlock> in_block(std::string_view name);
std::string block_path(int64_t index);
// What a name becomes when block i is made of the old block sources[i]: none or several in blocks, itself elsewhere.
std::vector<std::string> arranged_names(const std::string& name, const std::vector<int64_t>& sources);

// Whether `name` is a parameter of the layer at `path` or of a layer below it.
bool belongs(std::string_view name, std::string_view path);

}  // namespace gptcore
