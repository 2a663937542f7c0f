#include "core/plugin/call_watch.h"

#include <signal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/plugin/breadcrumb.h"

namespace gptcore {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<uint64_t> g_progress{0};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Seen {
  uint64_t number = 0;
  Clock::time_point since;
  bool named = false, named_at_stop = false;
};

}  // namespace

struct CallWatch::Parts {
  std::function<void(Level, const std::string&)> say;
  std::function<bool()> stopping;
  CallLimits limits;

  std::map<std::pair<size_t, size_t>, Seen> seen;                   // by thread and depth
  std::map<std::pair<const Callee*, const char*>, double> seconds;  // limit of each method, doubled when it is named
  std::optional<Clock::time_point> stop;
  uint64_t progress = 0;

  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::thread thread;

  void work() {
    const auto tick = std::chrono::duration<double>(limits.tick);
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, tick, [&] { return over; })) look();
  }

  void look() {
    std::array<PluginCall, 64> calls;
    const size_t count = calls_in_progress(calls);
    const bool shown = std::exchange(progress, g_progress.load()) != g_progress.load();
    if (!stop && stopping && stopping()) stop = Clock::now();
    for (size_t i = 0; i < count; ++i) {
      Seen& s = seen[{calls[i].thread, calls[i].depth}];
      if (s.number != calls[i].number) s = {calls[i].number, Clock::now()};
      if (shown) s.since = Clock::now();
    }
    // The innermost late call of nested ones is named and stands for the calls around it.
    std::optional<size_t> named;
    for (size_t i = count; i-- > 0;) {
      if (named && *named != calls[i].thread) named.reset();
      Seen& s = seen[{calls[i].thread, calls[i].depth}];
      bool& told = stop ? s.named_at_stop : s.named;
      if (!named && (told || !is_late(calls[i], s))) continue;
      if (!named) name(calls[i]);
      named = calls[i].thread;
      told = true;
    }
  }

  bool is_late(const PluginCall& call, const Seen& s) {
    if (stop) return seconds_since(*stop) >= limits.stop_seconds && seconds_since(s.since) >= limits.stop_seconds;
    return seconds_since(s.since) >= allowed(call);
  }

  double& allowed(const PluginCall& call) {
    return seconds.try_emplace({call.callee, call.method}, limits.seconds).first->second;
  }

  void name(const PluginCall& call) {
    if (stop) {
      say(Level::warning, "the end waits for " + described(call) + " to return; a second Ctrl-C ends the process at once");
      return;
    }
    double& limit = allowed(call);
    char text[32];
    std::snprintf(text, sizeof text, "%g s", limit);
    say(Level::info, described(call) + " has not returned for " + text);
    limit *= 2;
  }
};

CallWatch::CallWatch(std::function<void(Level, const std::string&)> say, std::function<bool()> stopping, CallLimits limits)
    : parts_(std::make_unique<Parts>()) {
  parts_->say = std::move(say);
  parts_->stopping = std::move(stopping);
  parts_->limits = limits;
  // The watch's thread blocks signals, so that they interrupt the calls of the threads that work, which then return early.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  parts_->thread = std::thread([parts = parts_.get()] { parts->work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

CallWatch::~CallWatch() {
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->over = true;
  }
  parts_->changed.notify_all();
  parts_->thread.join();
}

void CallWatch::note_progress() noexcept {
  g_progress.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace gptcore
