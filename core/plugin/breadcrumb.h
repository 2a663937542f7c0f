// Which plugin's code a thread is in, for error lines and for the line that a crash leaves behind.
#pragma once

#include <cstdint>
#include <string>

namespace gptcore {

// Who is called, for messages.
struct Callee {
  std::string plugin, kind, item;
};

// Marks the calling thread as inside `callee`'s `method` for its lifetime. Both outlive it.
class Breadcrumb {
 public:
  Breadcrumb(const Callee& callee, const char* method) noexcept;
  ~Breadcrumb();
  Breadcrumb(const Breadcrumb&) = delete;
  Breadcrumb& operator=(const Breadcrumb&) = delete;

 private:
  const Callee* outer_callee_;
  const char* outer_method_;
};

// Where training is, for the same lines; -1 = not training.
void set_breadcrumb_place(int64_t step, int64_t rank) noexcept;
// ", step 12, rank 0", or "" when not training.
std::string breadcrumb_place();

// From here on a fatal signal in a plugin writes "error[GC202]: crashed (SIGSEGV) in plugin 'x', operation 'y', in plan(),
// step 12, rank 0" to standard error before the process dies by it.
void report_crashes();

}  // namespace gptcore
