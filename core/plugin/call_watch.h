// Names the plugin whose call does not return, so that a run that stands still says what it waits for.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gptcore/host.h"

namespace gptcore {

struct CallLimits {
  double seconds = 10;      // after which a call is named
  double stop_seconds = 1;  // the same once the user has asked for an end
  double tick = 0.25;       // between two looks
};

// Watches the calls of all threads from a thread of its own; calls themselves pay nothing for it. A call is named once, and the
// next one of the same method only after twice the time, for some rightly take long. While a plugin shows progress, time does
// not count.
class CallWatch {
 public:
  // `say` is called on the watch's thread; `stopping` tells whether the user has asked for an end.
  CallWatch(std::function<void(Level, const std::string&)> say, std::function<bool()> stopping, CallLimits limits = {});
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;
  // [any thread] Progress was shown.
  static void note_progress() noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gptcore
