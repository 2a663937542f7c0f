// Shortens the message of a JSON library's exception for people.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

// Removes the exception's own name: "[json.exception.type_error.302] type must be string" -> "type must be string".
inline std::string json_fault(std::string_view what) {
  constexpr std::string_view kName = "[json.exception.";
  const size_t end = what.starts_with(kName) ? what.find("] ") : what.npos;
  return std::string(end == what.npos ? what : what.substr(end + 2));
}

}  // namespace gptcore
