// The standard output of gptcore-probe --check, one fact a line, each a word and a JSON object: "stage {name}" for libtorch,
// load and register, then one of "ok {text}", "refused {code, text, hint}", "threw {text}". A missing line shows where it died.
#pragma once

#include <string>
#include <string_view>

#include "gptcore/error.h"

namespace gptcore {

struct ProbeReport {
  std::string stage;           // the last one that began: "", "libtorch", "load" or "register"
  std::string result;          // "ok", "refused", "threw", or "" when the child ended without a result
  std::string text;            // the manifest, the refusal's message or the exception's
  Code code = Code::internal;  // of a refusal
  std::string hint;            // of a refusal
};

std::string stage_line(std::string_view stage);
std::string ok_line(std::string_view manifest);
std::string refused_line(const Error& error);
std::string threw_line(std::string_view what);
// Skips unknown lines and lines whose end is missing.
ProbeReport parse_report(std::string_view text);

}  // namespace gptcore
