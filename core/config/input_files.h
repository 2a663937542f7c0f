// Files that a pipeline reads, looked for before anything is read.
#pragma once

#include "core/config/config_errors.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// The unit of a path parameter that names what the run itself makes.
inline constexpr const char* kMadeByRun = "made by the run";

// Adds an error for each path in `section` that was given and is not there: for a pattern, when no file fits. Paths made by
// the run, those of loggers and of the core's tables, and addresses (with ://) are left out; tables that name sources of a
// dataset are looked at too.
void check_input_files(const Section& section, const Catalog& catalog, ErrorList& errors);

}  // namespace gptcore
