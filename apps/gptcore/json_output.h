// Prints the output of --json.
#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>

namespace gptcore {

// Prints one object on standard output; bytes that are not UTF-8 become U+FFFD.
inline void print_json(const nlohmann::ordered_json& object) {
  std::printf("%s\n", object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace gptcore
