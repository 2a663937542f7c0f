// SIGINT, SIGTERM, SIGUSR1 and SIGHUP ask for a save and an orderly end at the next step boundary; a later one ends the process
// at once, but for SIGHUP: the terminal that is gone is in no hurry. A signal that is ignored stays so, as SIGHUP is under
// nohup and SIGINT in what a shell script starts with "&".
#pragma once

#include <cstdint>

namespace gptcore {

// What the first signal does: is noted for the loop to see, or, where nothing is done yet that could be saved, ends the
// process.
enum class FirstSignal { is_noted, ends };

// Handlers are in place while an object lives; at most one at a time. A signal that ends the process at once leaves a line on
// standard error that says what is lost. Signals within kOneRequest seconds of the first are the same request: wrappers send
// the terminal's signal again.
class StopSignals {
 public:
  static constexpr double kOneRequest = 0.5;
  // Exit status of a process that was ended before it could save.
  static constexpr int kNotSaved = 76;

  explicit StopSignals(FirstSignal first = FirstSignal::is_noted);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  // From here on the first signal is noted.
  void note_first();
  // The signal that came first, or 0. [any thread]
  static int received();
  // "SIGINT", ... of those above.
  static const char* name_of(int signal);
  // 130 after SIGINT, 75 (try again later) after the others.
  static int exit_code_of(int signal);
  // `done` updates of the run are made, and the newest checkpoint holds the first `saved`; -1: there is none. [any thread]
  static void note_updates(int64_t done, int64_t saved);
};

}  // namespace gptcore
