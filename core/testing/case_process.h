// Runs a case in a process of its own, so that a crash, a hang or an exit is one case's result and not the program's end.
#pragma once

#include <functional>
#include <string>

#include "core/testing/verdict.h"

namespace gptcore {

// Call while this process has one thread only. The child is killed after `seconds`; what it prints is kept from the terminal.
Verdict run_in_child(const std::function<void()>& body, double seconds);
// In this process, for a debugger.
Verdict run_here(const std::function<void()>& body);
// What the running case has printed so far; "" outside a child.
std::string printed_so_far();

}  // namespace gptcore
