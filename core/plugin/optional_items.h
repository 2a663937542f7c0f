// Items of plugins that a build may leave out, and how to get them. The build writes the list to a file.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

struct OptionalItem {
  std::string kind, name;  // "dataset", "parquet"
  std::string hint;        // what to do when no plugin offers it
};

// Reads share/gptcore/optional_items of this installation: one item a line, with tabs between its three fields. Returns none
// when the file does not exist.
std::vector<OptionalItem> optional_items();

}  // namespace gptcore
