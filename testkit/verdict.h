// A conformance case passes by returning; otherwise it throws one of these.
#pragma once

#include <stdexcept>
#include <string>

namespace gptcore {

struct CaseFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The case cannot be decided; the text says what would let it run.
struct CaseSkipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool holds, const std::string& otherwise) {
  if (!holds) throw CaseFailed(otherwise);
}

enum class Result { ok, failed, skipped };

struct Verdict {
  Result result = Result::ok;
  std::string reason;  // one line; "" when ok
  double ms = 0;
};

}  // namespace gptcore
