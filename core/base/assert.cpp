#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace gptcore {

void assertion_failed(const char* condition, const char* sentence, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (%s)\n", file, line, sentence, condition);
  std::abort();
}

}  // namespace gptcore
