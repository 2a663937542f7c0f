// Names the plugin whose call does not return, so that a run that stands still says what it waits for.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gptcore/host.h"

namespace gptcore {

struct CallLimits {
  double seconds = 10;      // a call that lasts longer is named
  double stop_seconds = 1;  // the same limit once the user has asked the run to end
  double tick = 0.25;       // between two checks
};

// Watches the calls of all threads from a thread of its own, at no cost to the calls. A call is named once, and the next call
// of the same method only after twice the time, because some methods rightly take long. Time does not count while a plugin
// shows progress.
class CallWatch {
 public:
  // `say` is called on the watch's thread; `stopping` returns whether the user has asked the run to end.
  CallWatch(std::function<void(Level, const std::string&)> say, std::function<bool()> stopping, CallLimits limits = {});
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;
  // [any thread] Notes that progress was shown.
  static void note_progress() noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gptcore
