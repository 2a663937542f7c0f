// A sink for what happens during a run.
#pragma once

#include <string>
#include <string_view>

#include "gptcore/events.h"
#include "gptcore/host.h"

namespace gptcore {

struct LoggerContext {
  std::string run_dir;    // exists and is writable
  bool terminal = false;  // standard output is a terminal
  bool resumed = false;   // the run goes on from a checkpoint: append
  Host* host = nullptr;
};

// Runs on [rank 0], between steps, one call at a time. What it throws switches it off and never stops the run. Gets every
// record, or those of  static constexpr EventSet events = on(Event::step_ended, ...);
class Logger {
 public:
  virtual ~Logger();
  virtual void open(const LoggerContext& context) = 0;
  virtual void record(const Record& record) = 0;
  // Where a person finds the records, a path or an address; "" when they stay nowhere.
  virtual std::string sink() const { return {}; }
  // Last call; everything recorded must have reached its sink when it returns.
  virtual void close() {}
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
