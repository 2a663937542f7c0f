// The conformance kit: every case that a plugin file must pass, each in a process of its own.
#pragma once

#include "core/testing/conformance_request.h"

namespace gptcore {

// Prints a line a case and a summary to standard output. 0 when none failed, else 3. Throws Error when the request names what
// the file does not have. Call before this process has loaded a plugin or started a thread.
int run_conformance(const ConformanceRequest& request);

}  // namespace gptcore
