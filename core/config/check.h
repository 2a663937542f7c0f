// Checks one table against its owner's parameters.
#pragma once

#include <filesystem>

#include "core/config/document.h"
#include "core/config/owner.h"

namespace gptcore {

// The folders that relative paths count from.
struct Folders {
  std::filesystem::path file, current;
};

// Returns all of the owner's parameters with the table's values, presets and defaults; mistakes go to `errors`. The owner's
// rules over several parameters run only on a table without other mistakes. `path` and `use` of the section are left empty.
Section check_table(const RawTable& table, const Owner& owner, const Folders& folders, ErrorList& errors);

}  // namespace gptcore
