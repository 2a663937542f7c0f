// How edits and operations name layers: by path with `*` for any text, or by GPT's short names attn.3, mlp.3, ln_1.3, ln_2.3,
// lm_head.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// The pattern without short names: "attn.3" -> "blocks.3.attn.*", "ln_1.3" -> "blocks.3.ln_1".
std::string full_pattern(std::string_view name);
// The layers that fit, in the given order; "lm_head" is "wte" where no layer has that name, for then the head is tied.
std::vector<Layer> layers_fitting(const std::vector<Layer>& layers, std::string_view name);
// What a name that no layer fits was meant to be, for a hint: how many blocks there are, or a name near it.
std::string hint_for_layer(const std::vector<Layer>& layers, std::string_view name);
// The same, and Error(unknown_name) with a suggestion when there are none.
std::vector<Layer> layers_named(const std::vector<Layer>& layers, std::string_view name);
// Those of layers_named() whatever the number of the block: an operation before may have made the model deeper.
std::vector<Layer> layers_of_any_block(const std::vector<Layer>& layers, std::string_view name);

}  // namespace gptcore
