#include "core/plugin/sudden_end.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/message.h"
#include "core/plugin/breadcrumb.h"
#include "core/plugin/handler_line.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr size_t kStack = size_t{64} << 10;

std::array<std::atomic<const Callee*>, 256> g_loaded;  // filled from the front; more are not recognised by their code
bool g_json = false;                                   // messages are JSON
std::atomic<pid_t> g_process{0};                       // a child of this process may exit() as it likes

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

// Writes what print_error() would.
void write_fault(const std::string& file, const HandlerLine& message, std::string_view hint) {
  HandlerLine line;
  if (g_json) {
    line << R"({"level":"error","code":"GC202","where":")";
    line.escaped(file) << R"(","message":")";
    line.escaped(message.text()) << R"(","hint":")" << hint << "\"}\n";
  } else {
    line << file << ": error[GC202]: " << message.text() << (hint.empty() ? "" : "; ") << hint << "\n";
  }
  line.write();
}

// Returns the plugin whose code is on this thread's stack, or null when none is.
const Callee* plugin_on_stack() {
  std::array<void*, 64> frames{};
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < count; ++i) {
    Dl_info found{};
    if (::dladdr(frames[static_cast<size_t>(i)], &found) == 0 || !found.dli_fname) continue;
    for (const auto& loaded : g_loaded) {
      const Callee* plugin = loaded;
      if (!plugin) break;
      if (plugin->file == found.dli_fname) return plugin;
    }
  }
  return nullptr;
}

// Returns the call that this thread is in; on a thread that a plugin has started, one without a method.
PluginCall guilty() {
  PluginCall call = current_call();
  if (!call.callee) call.callee = plugin_on_stack();
  return call;
}

void on_crash(int signal) {
  if (const PluginCall call = guilty(); call.callee) {
    HandlerLine message;
    message << "crashed (" << signal_name(signal) << ") in " << call;
    write_fault(call.callee->file, message, "");
    ::_exit(exit_code(Code::plugin_failed));
  }
  std::raise(signal);  // SA_RESETHAND: the default action ends the process
}

void on_end(int status) {
  if (::getpid() != g_process) return;
  const PluginCall call = guilty();
  if (!call.callee) return;
  std::fflush(nullptr);
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), "%d", status);
  HandlerLine message;
  message << call << ": ended the process";
  if (status >= 0) message << " with status " << number.data();
  write_fault(call.callee->file, message, "throw gptcore::Error where the plugin cannot continue");
  ::_exit(exit_code(Code::plugin_failed));
}

void on_interrupt(int signal) {
  std::array<PluginCall, 16> calls;
  const size_t count = calls_in_progress(calls);
  for (size_t i = 0; i < count; ++i) {
    if (i + 1 < count && calls[i + 1].thread == calls[i].thread) continue;  // only the innermost one is named
    HandlerLine line;
    line << (g_json ? R"({"level":"info","message":"interrupted in )" : "gptcore: interrupted in ") << calls[i]
         << (g_json ? "\"}\n" : "\n");
    line.write();
  }
  std::raise(signal);
}

// Gives handlers a stack of their own: one that has overflowed has no room for them.
void give_handlers_a_stack() {
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  void* const memory = ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t own{};
  own.ss_sp = memory;
  own.ss_size = kStack;
  ::sigaltstack(&own, nullptr);
}

void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void report_sudden_ends() {
  give_handlers_a_stack();
  g_process = ::getpid();
  g_json = message_style().json;
  static const bool once = [] {
    std::array<void*, 1> frame{};
    ::backtrace(frame.data(), 1);  // loads the library that it needs, which a handler must not do
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
      handle(signal, on_crash, SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    struct sigaction found {};
    ::sigaction(SIGINT, nullptr, &found);
    if (found.sa_handler == SIG_DFL) handle(SIGINT, on_interrupt, SA_RESETHAND | SA_NODEFER);
    ::on_exit([](int status, void*) { on_end(status); }, nullptr);
    std::at_quick_exit([] { on_end(-1); });
    return true;
  }();
  static_cast<void>(once);
}

void note_loaded(const Callee& plugin) noexcept {
  const auto place = std::find_if(g_loaded.begin(), g_loaded.end(), [&](const auto& p) { return !p || p == &plugin; });
  if (place != g_loaded.end()) *place = &plugin;
}

}  // namespace gptcore
