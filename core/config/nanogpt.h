// The keys of nanoGPT's train.py that have another form here. All others are keys of the pipeline's own tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gptcore/value.h"

namespace gptcore {

struct NanoGptKey {
  std::vector<std::string> overrides;  // KEY=VALUE that mean the same; none: the key changes nothing
  std::string message, hint;           // why the key is refused; "" when it is not
};

// Returns the meaning of `key` with that value, or none when it is not such a key, or nanoGPT has no such value.
std::optional<NanoGptKey> nanogpt_key(const std::string& key, const std::string& value);
// Returns what to do about such a key in a pipeline file, where nanoGPT's names are not read; "" when it is not such a key.
std::string nanogpt_hint(const std::string& key, const Value& value);

}  // namespace gptcore
