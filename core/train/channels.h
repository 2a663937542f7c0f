// Where a GPT's parameters have the channels of its width n_embd.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

using Shapes = std::map<std::string, std::vector<int64_t>>;  // by parameter

struct Channels {
  std::optional<size_t> made, read;  // the dimension along which it makes channels, and the one along which it reads them
  int64_t runs = 1;                  // it makes them this many times over: queries, keys and values
};

// Absent for a parameter that is no GPT's. A tied head reads the channels of wte through ln_f, which takes the head's part.
std::optional<Channels> channels_of(std::string_view parameter, bool tied_head);

// n_embd, with the shapes of a GPT, adapters apart. Throws Error(model_shape) where they are another model's.
int64_t width_of(const Shapes& parameters);
bool has_tied_head(const Shapes& parameters);

}  // namespace gptcore
