// SIGINT, SIGTERM, SIGUSR1 and SIGHUP ask for a save and an orderly end at the next step boundary. A second signal, except
// SIGHUP, ends the process at once. Signals that are ignored at the start stay ignored, as SIGHUP under nohup or SIGINT in a
// job that a shell script starts with "&".
#pragma once

#include <cstdint>

namespace gptcore {

// The effect of the first signal: it is noted for the loop, or it ends the process while there is nothing to save yet.
enum class FirstSignal { is_noted, ends };

// Installs the handlers for its lifetime; at most one object at a time. A signal that ends the process at once leaves a line on
// standard error that says what is lost. Signals within kOneRequest seconds of the first count as the same request, because
// wrappers repeat the terminal's signal.
class StopSignals {
 public:
  static constexpr double kOneRequest = 0.5;
  // Exit status of a process that was ended before it could save.
  static constexpr int kNotSaved = 76;

  explicit StopSignals(FirstSignal first = FirstSignal::is_noted);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  // Switches to FirstSignal::is_noted.
  void note_first();
  // Returns the first signal, or 0. [any thread]
  static int received();
  // Returns "SIGINT", ... of those above.
  static const char* name_of(int signal);
  // Returns 130 for SIGINT, 75 (try again later) for the others.
  static int exit_code_of(int signal);
  // Notes that the run has done `done` updates and that the newest checkpoint holds the first `saved`; -1: none. [any thread]
  static void note_updates(int64_t done, int64_t saved);
};

}  // namespace gptcore
