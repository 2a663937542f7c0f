// What is said when a plugin ends the process: by a crash, by exit(), or because it does not return and the user gives up.
#pragma once

#include "core/plugin/breadcrumb.h"

namespace gptcore {

// From here on, until the process ends:
// - a fatal signal in a plugin's call writes "FILE: error[GC202]: crashed (SIGSEGV) in plugin 'x', operation 'y', in plan(),
//   step 12, rank 0" to standard error and ends the process with the exit code of a plugin's fault; outside of such calls the
//   process dies by the signal, as it would have;
// - exit() and quick_exit() in such a call do the same, whatever status they are given;
// - so do both on a thread that a plugin has started, where the line says so in place of item and method;
// - SIGINT, where nothing else handles it, names the calls that it interrupts before the process dies by it.
// Nothing helps against _exit(). More calls change nothing, but a thread of its own must call it to have its stack's overflow
// reported.
void report_sudden_ends();
// `plugin`, which is lasting(), is loaded: its threads are known by its code. Safe from one thread at a time.
void note_loaded(const Callee& plugin) noexcept;

}  // namespace gptcore
