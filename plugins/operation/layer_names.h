// How arguments name layers: by path with `*` for any text, or by the short names attn.3, mlp.3, ln_1.3, ln_2.3, lm_head.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gptcore/model.h"

namespace gptcore::operations {

// The pattern without short names: "attn.3" -> "blocks.3.attn.*".
std::string full_pattern(std::string_view name);
// The layers that fit, in the model's order; "lm_head" is "wte" in a model whose head is tied. Throws Error(unknown_name) with
// a suggestion when there are none.
std::vector<Layer> layers_named(const ModelView& model, std::string_view name);
// The same whatever the number of the block is: an operation before may have made the model deeper.
std::vector<Layer> layers_of_any_block(const ModelView& model, std::string_view name);

}  // namespace gptcore::operations
