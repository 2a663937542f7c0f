// What datasets of token files have in common: a train and a val sequence, cut into windows.
#pragma once

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/data/corpus/token_file.h"
#include "gptcore/error.h"
#include "gptcore/token_windows.h"

namespace gptcore::datasets {

// What to read: each split's files.
struct SplitFiles {
  std::vector<std::string> train, val;
};

inline std::vector<TokenFile> open_files(const std::vector<std::string>& paths, TokenFormat format, int64_t raw_width) {
  std::vector<TokenFile> out;
  out.reserve(paths.size());
  for (const std::string& path : paths) out.emplace_back(path, format, raw_width);
  return out;
}

class TokenSplits {
 public:
  // A split without files is absent.
  void open(const SplitFiles& files, TokenFormat format, int64_t raw_width, const DatasetContext& context) {
    tokens_[0] = TokenSequence(open_files(files.train, format, raw_width));
    tokens_[1] = TokenSequence(open_files(files.val, format, raw_width));
    for (const Split split : {Split::train, Split::val}) {
      TokenSequence& tokens = tokens_[index(split)];
      windows_[index(split)] = {tokens.tokens(), context.block_size, context.seed,
                                split,           name_of(tokens),    "prepare more text or use a smaller block_size"};
      fingerprint_ = tokens.fingerprint(fingerprint_);
    }
  }
  // Ids that are read must be below.
  void set_limit(int64_t limit) { limit_ = limit; }

  const TokenSequence& sequence(Split split) const { return tokens_[index(split)]; }
  const TokenWindows& windows(Split split) const { return windows_[index(split)]; }
  void batch(const BatchRequest& request, Batch& out) {
    windows(request.split).batch(request, out, [&](int64_t first, std::span<int64_t> to) {
      piece_.resize(to.size());
      tokens_[index(request.split)].read(first, piece_, limit_);
      std::copy(piece_.begin(), piece_.end(), to.begin());
    });
  }
  std::string fingerprint() const {
    char text[32];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(fingerprint_));
    return text;
  }

 private:
  static size_t index(Split split) { return static_cast<size_t>(split); }

  TokenSequence tokens_[2];
  TokenWindows windows_[2];
  int64_t limit_ = 0;
  uint64_t fingerprint_ = 0;
  std::vector<uint32_t> piece_;
};

// The vocabulary's size of token files: `given` if not 0, else what meta.json in `folder`, the tokenizer or the model says.
// Throws Error(missing_key) when nothing does, naming the dataset.
inline int64_t vocabulary_of(int64_t given, const std::string& folder, int64_t most, const DatasetContext& context,
                             const std::string& dataset) {
  if (given > 0) return given;
  const std::string path = folder + "/meta.json";
  if (std::ifstream file(path); file) {
    const auto meta = nlohmann::json::parse(file, nullptr, false);
    const auto found = meta.is_object() ? meta.find("vocab_size") : meta.end();
    if (found != meta.end() && found->is_number_integer() && *found > 0 && *found <= most) return *found;
    throw Error(Code::data_corrupt, "does not hold a vocab_size from 1 to " + std::to_string(most),
                "write {\"vocab_size\": 50257}", path);
  }
  if (context.tokenizer && context.tokenizer->ready()) return context.tokenizer->vocab_size();
  if (context.vocab_limit > 0) return context.vocab_limit;
  throw Error(Code::missing_key, "the dataset \"" + dataset + "\" does not know its vocabulary's size",
              "set dataset.vocab_size (GPT-2's is 50257), or put meta.json with {\"vocab_size\": N} beside the token files");
}

}  // namespace gptcore::datasets
