// Records which plugin's code each thread is in: for error lines, for the line that a sudden end leaves, and for CallWatch.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gptcore {

// The plugin and item that are called, for messages. `kind` and `item` are "" while a plugin is set up.
struct Callee {
  std::string plugin, kind, item, file;
  friend auto operator<=>(const Callee&, const Callee&) = default;
};

// Returns an equal Callee that lives until the process ends: signal handlers and other threads read it.
const Callee& lasting(const Callee& callee);

// A call that has not returned.
struct PluginCall {
  const Callee* callee = nullptr;  // null: none
  const char* method = nullptr;
  uint64_t number = 0;           // differs for each call of the thread
  size_t thread = 0, depth = 0;  // index of the thread; number of calls around this one
};

struct ThreadCalls;

// Marks the calling thread as inside `callee`'s `method` for its lifetime. Both arguments must last until the process ends.
class Breadcrumb {
 public:
  Breadcrumb(const Callee& callee, const char* method) noexcept;
  ~Breadcrumb();
  Breadcrumb(const Breadcrumb&) = delete;
  Breadcrumb& operator=(const Breadcrumb&) = delete;

 private:
  ThreadCalls* calls_;
};

// Returns the innermost call of the calling thread. Signal handlers may call it.
PluginCall current_call() noexcept;
// [any thread] Fills `out` with the calls of all threads, each thread's outermost first, and returns how many it has written.
// Signal handlers may call it.
size_t calls_in_progress(std::span<PluginCall> out) noexcept;

// Sets the place of training for error lines; step -1 = not training.
void set_breadcrumb_place(int64_t step, int64_t rank) noexcept;
// Writes "plugin 'x', operation 'y', in plan(), step 12, rank 0", truncated where it does not fit, and returns its length.
// Signal handlers may call it.
size_t describe(const PluginCall& call, std::span<char> text) noexcept;
std::string described(const PluginCall& call);

}  // namespace gptcore
