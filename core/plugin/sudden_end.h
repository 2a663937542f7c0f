// Names the plugin that ends the process: by a crash, by exit(), or because it does not return and the user gives up.
#pragma once

#include "core/plugin/breadcrumb.h"

namespace gptcore {

// Installs handlers. From then on, until the process ends:
// - a fatal signal in a plugin's call writes "FILE: error[GC202]: crashed (SIGSEGV) in plugin 'x', operation 'y', in plan(),
//   step 12, rank 0" to standard error and ends the process with the exit code of a plugin's fault; outside of such calls the
//   process dies by the signal, as it would have;
// - exit() and quick_exit() in such a call do the same, whatever status they are given;
// - both also hold on a thread that a plugin has started; the line then says so in place of item and method;
// - SIGINT, where nothing else handles it, names the calls that it interrupts before the process dies by it.
// Nothing helps against _exit(). Further calls change nothing, except that a thread must call this itself to have an overflow
// of its stack reported.
void report_sudden_ends();
// Notes that `plugin`, which must come from lasting(), is loaded: its threads are known by its code. One thread at a time.
void note_loaded(const Callee& plugin) noexcept;

}  // namespace gptcore
