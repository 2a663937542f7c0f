// The keys of nanoGPT's train.py that have another form here. All others are keys of the pipeline's own tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gptcore/value.h"

namespace gptcore {

struct NanoGptKey {
  std::vector<std::string> overrides;  // KEY=VALUE that mean the same; none: it says what is so anyway
  std::string message, hint;           // why it cannot be done here; "" when it can
};

// What `key` with that value means; absent when it is no such key, or that value is not one that nanoGPT has.
std::optional<NanoGptKey> nanogpt_key(const std::string& key, const std::string& value);
// What to do about such a key in a pipeline file, where nothing is read by nanoGPT's names; "" when it is none.
std::string nanogpt_hint(const std::string& key, const Value& value);

}  // namespace gptcore
