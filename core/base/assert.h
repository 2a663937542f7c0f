// GPTCORE_ASSERT(condition, "sentence") ends the program with the sentence when our own code breaks a precondition. It is on in
// debug and sanitizer builds; a release build (NDEBUG) does not evaluate the condition. Mistakes of users and of plugins are
// Errors, never assertions.
#pragma once

namespace gptcore {

// Prints the sentence with its place on standard error and calls std::abort().
[[noreturn]] void assertion_failed(const char* condition, const char* sentence, const char* file, int line);

}  // namespace gptcore

#ifdef NDEBUG
#define GPTCORE_ASSERT(condition, sentence) static_cast<void>(sizeof(!(condition)))
#else
#define GPTCORE_ASSERT(condition, sentence) \
  ((condition) ? static_cast<void>(0) : ::gptcore::assertion_failed(#condition, sentence, __FILE__, __LINE__))
#endif
