// The conformance kit: every case that a plugin file must pass, each in its own process.
#pragma once

#include "testkit/conformance_request.h"

namespace gptcore {

// Prints a line per case and a summary to standard output. Returns 0 when no case failed, else 3. Throws Error when the request
// names something that the file lacks. Call it before this process has loaded a plugin or started a thread.
int run_conformance(const ConformanceRequest& request);

}  // namespace gptcore
