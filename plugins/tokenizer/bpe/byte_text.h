// Converts bytes to and from the text of GPT-2's files: each byte is one printable character ("Ġ" is the space).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gptcore::bpe {

// Returns the bytes in the order of GPT-2's first 256 ids: those that print as themselves, then the others.
std::array<uint8_t, 256> bytes_in_order();
std::string printable_of(std::string_view bytes);
// Returns nothing when a character stands for no byte.
std::optional<std::string> bytes_of(std::string_view printable);

}  // namespace gptcore::bpe
