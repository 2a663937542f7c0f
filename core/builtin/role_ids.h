// The ids of tokens that other tools know by their roles.
#pragma once

#include <cstdint>
#include <optional>

namespace gptcore {

struct RoleIds {
  std::optional<int32_t> bos;          // begins a text
  std::optional<int32_t> eos;          // ends a text
  std::optional<int32_t> end_of_turn;  // ends a turn of the model in a chat
};

}  // namespace gptcore
