// What datasets of token files have in common: a train and a val sequence, cut into windows.
#pragma once

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/data/corpus/token_file.h"
#include "gptcore/error.h"
#include "gptcore/schema.h"
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

// A dataset of token files whose parameters are `path`, or `train` and `val`.
class TokenFileDataset : public Dataset {
 public:
  int64_t vocab_size() const override { return vocab_size_; }
  int64_t tokens(Split split) const override { return tokens_.windows(split).tokens(); }
  int64_t windows(Split split) const override { return tokens_.windows(split).windows(); }
  void batch(const BatchRequest& request, Batch& out) override { tokens_.batch(request, out); }
  std::string fingerprint() const override { return tokens_.fingerprint(); }

 protected:
  static void check_paths(const std::string& path, const std::vector<std::string>& train, const std::vector<std::string>& val,
                          const char* example, Problems& found) {
    if (path.empty() && train.empty()) found.push_back({"path", "neither path nor train is given", example});
    if (!path.empty() && !(train.empty() && val.empty()))
      found.push_back({"path", "path is given together with train or val", "leave one of them out"});
  }
  // `given_vocab` is 0 where the user names none. meta.json is looked for beside the first file.
  void open_tokens(const SplitFiles& files, TokenFormat format, int64_t raw_width, int64_t given_vocab,
                   const DatasetContext& context, const std::string& dataset) {
    tokens_.open(files, format, raw_width, context);
    const TokenFile& first = tokens_.sequence(Split::train).files().front();
    const int64_t most = first.layout().width == 2 ? 65536 : 2147483647;
    const std::string folder = std::filesystem::path(first.path()).parent_path().string();
    vocab_size_ = vocabulary_of(given_vocab, folder, most, context, dataset);
    tokens_.set_limit(context.vocab_limit > 0 ? std::min(vocab_size_, context.vocab_limit) : vocab_size_);
  }

 private:
  TokenSplits tokens_;
  int64_t vocab_size_ = 0;
};

}  // namespace gptcore::datasets
