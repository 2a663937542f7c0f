#include "core/train/stop_signals.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace gptcore {
namespace {

// A handler can reach nothing but static storage; it writes one flag.
std::atomic<int> g_signal{0};

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGUSR1};

extern "C" void note_signal(int signal) {
  if (g_signal != 0) _exit(StopSignals::exit_code_of(signal));
  g_signal = signal;
}

void install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (int signal : kSignals) sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  g_signal = 0;
  install(note_signal);
}

StopSignals::~StopSignals() {
  install(SIG_DFL);
}

int StopSignals::received() {
  return g_signal;
}

int StopSignals::exit_code_of(int signal) {
  return signal == SIGINT ? 130 : 75;
}

}  // namespace gptcore
