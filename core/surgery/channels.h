// Finds the dimensions of a GPT's parameters that hold the channels of its width n_embd.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

using Shapes = std::map<std::string, std::vector<int64_t>>;  // by parameter

struct Channels {
  std::optional<size_t> made, read;  // the dimensions along which the parameter makes and reads channels
  int64_t runs = 1;                  // how many times over it makes them: 3 for queries, keys and values
};

// Returns nothing for a parameter that is not a GPT's. With a tied head, ln_f counts as the reader of the channels of wte, in
// the head's place.
std::optional<Channels> channels_of(std::string_view parameter, bool tied_head);

// Returns n_embd of a GPT with these shapes, which exclude adapters. Throws Error(model_shape) when they are another model's.
int64_t width_of(const Shapes& parameters);
bool has_tied_head(const Shapes& parameters);

}  // namespace gptcore
