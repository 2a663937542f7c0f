// SIGINT, SIGTERM and SIGUSR1 ask for a save and an orderly end at the next step boundary; a second one ends at once.
#pragma once

namespace gptcore {

// Handlers are in place while an object lives; at most one at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  // The signal that came first, or 0. [any thread]
  static int received();
  // 130 after SIGINT, 75 (try again later) after the others.
  static int exit_code_of(int signal);
};

}  // namespace gptcore
