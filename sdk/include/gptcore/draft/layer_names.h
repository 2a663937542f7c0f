// Draft: patterns that name layers in edits and operations. A pattern is a path in which `*` matches any text, or one of GPT's
// short names attn.3, mlp.3, ln_1.3, ln_2.3 and lm_head.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

// Replaces short names: "attn.3" -> "blocks.3.attn.*", "ln_1.3" -> "blocks.3.ln_1".
std::string full_pattern(std::string_view name);
// Returns the layers that match, in the given order. "lm_head" stands for "wte" where no layer is named lm_head, because the
// head is tied then.
std::vector<Layer> layers_fitting(const std::vector<Layer>& layers, std::string_view name);
// Returns a hint for a name that no layer matches: the number of blocks, or a similar name.
std::string hint_for_layer(const std::vector<Layer>& layers, std::string_view name);
// Returns layers_fitting(). Throws Error(unknown_name) with a suggestion when no layer matches.
std::vector<Layer> layers_named(const std::vector<Layer>& layers, std::string_view name);
// Like layers_named(), but matches blocks of any number, because an earlier operation may have made the model deeper.
std::vector<Layer> layers_of_any_block(const std::vector<Layer>& layers, std::string_view name);

}  // namespace gptcore
