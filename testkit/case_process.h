// Runs a case in its own process, so that a crash, a hang or an exit is one case's result and not the program's end.
#pragma once

#include <functional>
#include <string>

#include "testkit/verdict.h"

namespace gptcore {

// Call it while this process has one thread only. Kills the child after `seconds`; keeps its output from the terminal.
Verdict run_in_child(const std::function<void()>& body, double seconds);
// Runs the case in this process, for a debugger.
Verdict run_here(const std::function<void()>& body);
// Returns what the running case has printed so far; "" outside a child.
std::string printed_so_far();

}  // namespace gptcore
