// A logger writes the records of a run to a file, a terminal or a tracking server.
#pragma once

#include <string>
#include <string_view>

#include "gptcore/events.h"
#include "gptcore/host.h"

namespace gptcore {

struct LoggerContext {
  std::string run_dir;    // exists and is writable
  bool terminal = false;  // standard output is a terminal
  bool resumed = false;   // the run continues from a checkpoint: append to the files of before
  Host* host = nullptr;
};

// The program calls it on [rank 0], between steps and one call at a time. An exception switches the logger off and never stops
// the run. It receives every record, or only those of  static constexpr EventSet events = on(Event::step_ended, ...);
class Logger {
 public:
  virtual ~Logger();
  virtual void open(const LoggerContext& context) = 0;
  virtual void record(const Record& record) = 0;
  // Returns the path or address where a person finds the records, or "" when nothing is kept.
  virtual std::string sink() const { return {}; }
  // The last call. Every record must have reached its sink when this returns.
  virtual void close() {}
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
