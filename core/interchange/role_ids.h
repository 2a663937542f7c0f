// The tokens that other tools know by what they are for.
#pragma once

#include <cstdint>
#include <optional>

namespace gptcore {

struct RoleIds {
  std::optional<int32_t> bos;          // begins a text
  std::optional<int32_t> eos;          // ends a text
  std::optional<int32_t> end_of_turn;  // ends what the model says in a chat
};

}  // namespace gptcore
