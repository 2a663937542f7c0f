#include "core/train/stop_signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "core/base/message.h"
#include "core/plugin/breadcrumb.h"
#include "core/plugin/handler_line.h"

namespace gptcore {
namespace {

// A handler can reach nothing but static storage.
std::atomic<int> g_signal{0};
std::atomic<double> g_noted_at{0};
std::atomic<bool> g_first_ends{false};
std::atomic<int64_t> g_done{-1}, g_saved{-1};  // updates
bool g_json = false;                           // messages are JSON

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
std::array<struct sigaction, kSignals.size()> g_before;

double seconds_now() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// ", in plugin 'x', dataset 'y', in open()": the innermost call of each thread that is in one.
void add_calls(HandlerLine& line) {
  std::array<PluginCall, 8> calls;
  const size_t count = calls_in_progress(calls);
  const char* before = ", in ";
  for (size_t i = 0; i < count; ++i) {
    if (i + 1 < count && calls[i + 1].thread == calls[i].thread) continue;
    line << std::exchange(before, " and in ") << calls[i];
  }
}

// Ends the process with a line that says what is lost.
[[noreturn]] void end_at_once(int signal, bool before_all) {
  const int64_t done = g_done, saved = g_saved;
  const bool nothing_lost = before_all || (done >= 0 && done <= std::max<int64_t>(saved, 0));
  HandlerLine text;
  text << (before_all ? "stopped before the first update" : "stopped at once");
  add_calls(text);
  if (before_all)
    text << ": the run is as it was";
  else if (nothing_lost)
    text << ": all updates are saved";
  else if (done < 0)
    text << ": what was not saved yet is lost";
  else if (saved < 0)
    text << ": updates 1 to " << done << " are lost, for there is no checkpoint yet";
  else
    text << ": updates " << saved + 1 << " to " << done << " are not saved; the newest checkpoint is that of step " << saved;
  HandlerLine line;
  if (g_json)
    (line << R"({"level":")" << (nothing_lost ? "info" : "warning") << R"(","message":")").escaped(text.text()) << "\"}\n";
  else
    line << (nothing_lost ? "gptcore: " : "gptcore: warning: ") << text.text() << "\n";
  line.write();
  ::_exit(nothing_lost ? StopSignals::exit_code_of(signal) : StopSignals::kNotSaved);
}

extern "C" void note_signal(int signal) {
  const int errno_before = errno;
  if (g_first_ends) end_at_once(signal, /*before_all=*/true);
  if (g_signal == 0) {
    g_noted_at = seconds_now();
    g_signal = signal;
  } else if (signal != SIGHUP && seconds_now() - g_noted_at >= StopSignals::kOneRequest) {
    end_at_once(signal, /*before_all=*/false);
  }
  errno = errno_before;
}

}  // namespace

StopSignals::StopSignals(FirstSignal first) {
  g_signal = 0;
  g_first_ends = first == FirstSignal::ends;
  g_json = message_style().json;
  note_updates(-1, -1);
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (const int other : kSignals) ::sigaddset(&action.sa_mask, other);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &g_before[i]);
    if (g_before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &g_before[i], nullptr);
}

void StopSignals::note_first() {
  g_first_ends = false;
}

int StopSignals::received() {
  return g_signal;
}

const char* StopSignals::name_of(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "SIGHUP";
  }
}

int StopSignals::exit_code_of(int signal) {
  return signal == SIGINT ? 130 : 75;
}

void StopSignals::note_updates(int64_t done, int64_t saved) {
  g_saved = saved;
  g_done = done;
}

}  // namespace gptcore
