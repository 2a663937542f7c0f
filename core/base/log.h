// Writes the program's own messages to standard error, in the form of core/base/message.h. Numbers for people to plot go
// through events.
#pragma once

#include <memory>
#include <string_view>

#include "gptcore/host.h"

namespace gptcore {

class Log {
 public:
  // Messages below `least` are dropped.
  explicit Log(Level least = Level::info);
  ~Log();
  void set_least(Level least);
  void write(Level level, std::string_view text);

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace gptcore
