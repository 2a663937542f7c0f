// The request of `gptcore plugins test`. It needs no LibTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gptcore {

struct ConformanceRequest {
  std::string file;
  std::string filter;       // only cases whose name contains it
  bool in_process = false;  // for a debugger; a crash then ends the program
  bool list = false;        // print the names of the cases, run none
  bool json = false;
  bool replaces = false;                                      // its items may have names of installed ones
  std::optional<uint64_t> seed;                               // of the random values; drawn when absent
  double seconds = 30;                                        // limit of a case
  std::vector<std::pair<std::string, std::string>> settings;  // "item.key" or "kind/item.key", and the value as text
};

}  // namespace gptcore
