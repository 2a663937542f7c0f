// Looks for the files that a pipeline reads, before anything is read.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config/config_errors.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// The unit of a path parameter that names a file of the run itself.
inline constexpr const char* kMadeByRun = "made by the run";

// Adds an error for each given path in `section` that does not exist, and for each pattern that matches no file. Leaves out
// paths made by the run, those of loggers and of the core's tables, and addresses (with ://); looks into tables that name
// sources of a dataset.
void check_input_files(const Section& section, const Catalog& catalog, ErrorList& errors);

// Does the same for the file of a sample stage's prompt.
void check_prompt_file(const Section& stage, ErrorList& errors);

// The bytes of data up to which config check reads all of it.
inline constexpr uintmax_t kMostRead = uintmax_t{2} << 20;
// Returns the bytes of the files that the paths of a table name; beyond kMostRead only a lower bound.
uintmax_t bytes_named(const Table& values, const std::vector<ParamSpec>& specs);

}  // namespace gptcore
