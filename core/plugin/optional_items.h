// Items of plugins that a build may leave out, and how to get them: a file that the build writes.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

struct OptionalItem {
  std::string kind, name;  // "dataset", "parquet"
  std::string hint;        // what to do when no plugin offers it
};

// Of share/gptcore/optional_items in this installation: a line an item, its three fields with tabs between them. None when
// there is no such file.
std::vector<OptionalItem> optional_items();

}  // namespace gptcore
