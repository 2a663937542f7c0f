// Which plugin's code each thread is in: for error lines, for what a sudden end leaves behind, and for CallWatch.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gptcore {

// Who is called, for messages. `kind` and `item` are "" while a plugin is set up.
struct Callee {
  std::string plugin, kind, item, file;
  friend auto operator<=>(const Callee&, const Callee&) = default;
};

// The same, alive until the process ends: signal handlers and other threads read it.
const Callee& lasting(const Callee& callee);

// A call that has not returned.
struct PluginCall {
  const Callee* callee = nullptr;  // null: none
  const char* method = nullptr;
  uint64_t number = 0;           // another for each call of the thread
  size_t thread = 0, depth = 0;  // the thread's place in a list of all; calls that it is nested in
};

struct ThreadCalls;

// Marks the calling thread as inside `callee`'s `method` for its lifetime; both last until the process ends.
class Breadcrumb {
 public:
  Breadcrumb(const Callee& callee, const char* method) noexcept;
  ~Breadcrumb();
  Breadcrumb(const Breadcrumb&) = delete;
  Breadcrumb& operator=(const Breadcrumb&) = delete;

 private:
  ThreadCalls* calls_;
};

// The innermost call of the calling thread. Signal handlers may ask.
PluginCall current_call() noexcept;
// The calls of all threads, each thread's outermost first; how many fit. [any thread], also in signal handlers.
size_t calls_in_progress(std::span<PluginCall> out) noexcept;

// Where training is, for the same lines; -1 = not training.
void set_breadcrumb_place(int64_t step, int64_t rank) noexcept;
// ", step 12, rank 0", or "" when not training.
std::string breadcrumb_place();
// "plugin 'x', operation 'y', in plan(), step 12, rank 0", cut short where it does not fit: its length. Signal handlers may
// ask.
size_t describe(const PluginCall& call, std::span<char> text) noexcept;
std::string described(const PluginCall& call);

}  // namespace gptcore
