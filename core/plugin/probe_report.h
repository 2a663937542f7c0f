// What gptcore-probe --check says on standard output, a line a fact: "stage load", then "stage register", then one of
// "ok MANIFEST", "refused {code, message, hint}", "threw {what}". A line that is missing says where it died.
#pragma once

#include <string>
#include <string_view>

#include "gptcore/error.h"

namespace gptcore {

struct ProbeReport {
  std::string stage;           // the last one that began: "", "libtorch", "load" or "register"
  std::string result;          // "ok", "refused", "threw", or "" when it ended without one
  std::string text;            // the manifest, the refusal's message or the exception's
  Code code = Code::internal;  // of a refusal
  std::string hint;            // of a refusal
};

std::string stage_line(std::string_view stage);
std::string ok_line(std::string_view manifest);
std::string refused_line(const Error& error);
std::string threw_line(std::string_view what);
// Lines that it does not know, or whose end is missing, are passed over.
ProbeReport parse_report(std::string_view text);

}  // namespace gptcore
