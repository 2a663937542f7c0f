#include "core/plugin/breadcrumb.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "core/base/message.h"

namespace gptcore {
namespace {

// A signal handler can reach nothing but variables like these.
thread_local const Callee* t_callee = nullptr;
thread_local const char* t_method = nullptr;
std::atomic<int64_t> g_step{-1}, g_rank{0};
const char* g_line = nullptr;  // the form of the line of a crash, of its message

const char* signal_name(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGILL:
      return "SIGILL";
    default:
      return "SIGABRT";
  }
}

// snprintf is not on the list of what a handler may call, but on glibc it allocates nothing for these formats.
void on_crash(int signal) {
  if (t_callee) {
    std::array<char, 384> message{};
    std::array<char, 512> line{};
    std::array<char, 64> place{};
    if (g_step >= 0)
      std::snprintf(place.data(), place.size(), ", step %lld, rank %lld", static_cast<long long>(g_step.load()),
                    static_cast<long long>(g_rank.load()));
    std::snprintf(message.data(), message.size(), "crashed (%s) in plugin '%s', %s '%s', in %s()%s", signal_name(signal),
                  t_callee->plugin.c_str(), t_callee->kind.c_str(), t_callee->item.c_str(), t_method, place.data());
    const int size = std::snprintf(line.data(), line.size(), g_line, message.data());
    if (size > 0) [[maybe_unused]]
      const ssize_t written = ::write(STDERR_FILENO, line.data(), std::min<size_t>(static_cast<size_t>(size), line.size() - 1));
  }
  std::raise(signal);  // SA_RESETHAND: the default action ends the process
}

}  // namespace

Breadcrumb::Breadcrumb(const Callee& callee, const char* method) noexcept : outer_callee_(t_callee), outer_method_(t_method) {
  t_callee = &callee;
  t_method = method;
}

Breadcrumb::~Breadcrumb() {
  t_callee = outer_callee_;
  t_method = outer_method_;
}

void set_breadcrumb_place(int64_t step, int64_t rank) noexcept {
  g_step = step;
  g_rank = rank;
}

std::string breadcrumb_place() {
  if (g_step < 0) return "";
  return ", step " + std::to_string(g_step) + ", rank " + std::to_string(g_rank);
}

void report_crashes() {
  g_line = message_style().json ? R"({"level":"error","code":"GC202","where":"","message":"%s","hint":""})"
                                  "\n"
                                : "error[GC202]: %s\n";
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

}  // namespace gptcore
