// Files that a pipeline reads, looked for before anything is read.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config/config_errors.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// The unit of a path parameter that names what the run itself makes.
inline constexpr const char* kMadeByRun = "made by the run";

// Adds an error for each path in `section` that was given and is not there: for a pattern, when no file fits. Paths made by
// the run, those of loggers and of the core's tables, and addresses (with ://) are left out; tables that name sources of a
// dataset are looked at too.
void check_input_files(const Section& section, const Catalog& catalog, ErrorList& errors);

// The same for the file of a sample stage's prompt.
void check_prompt_file(const Section& stage, ErrorList& errors);

// Bytes of data up to which config check reads it all.
inline constexpr uintmax_t kMostRead = uintmax_t{2} << 20;
// Bytes of the files that the paths of a table name; beyond kMostRead only a lower bound.
uintmax_t bytes_named(const Table& values, const std::vector<ParamSpec>& specs);

}  // namespace gptcore
