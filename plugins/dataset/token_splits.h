// The common part of datasets of token files: a train and a val sequence, cut into windows.
#pragma once

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/data/corpus/id_width.h"
#include "core/data/corpus/token_file.h"
#include "gptcore/error.h"
#include "gptcore/schema.h"
#include "gptcore/token_windows.h"
#include "prepared_tokenizer.h"

namespace gptcore::datasets {

// The files of each split.
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
  void open(const SplitFiles& files, TokenFormat format, int64_t raw_width, const DatasetContext& context,
            const std::string& advice) {
    tokens_[0] = TokenSequence(open_files(files.train, format, raw_width), advice);
    tokens_[1] = TokenSequence(open_files(files.val, format, raw_width), advice);
    for (const Split split : {Split::train, Split::val}) {
      TokenSequence& tokens = tokens_[index(split)];
      windows_[index(split)] = {tokens.tokens(), context.block_size, context.seed,
                                split,           name_of(tokens),    "prepare more text or use a smaller block_size"};
      fingerprint_ = tokens.fingerprint(fingerprint_);
    }
  }
  // Calls visit(file) for each file of both splits.
  template <class Visit> void visit_files(Visit&& visit) {
    for (TokenSequence& tokens : tokens_)
      for (TokenFile& file : tokens.files()) visit(file);
  }
  // Sets a bound that ids must be below.
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

// Returns the vocabulary size of token files: `given` if not 0, else that of the files beside them, the tokenizer or the model.
// Throws Error(missing_key), which names the dataset, when none is known.
inline int64_t vocabulary_of(int64_t given, const TokenNotes& notes, const DatasetContext& context,
                             const std::string& dataset) {
  if (given > 0) return given;
  if (notes.vocab_size > 0) return notes.vocab_size;
  if (notes.manifest) return notes.manifest->vocab_size;
  if (context.tokenizer && context.tokenizer->ready()) return context.tokenizer->vocab_size();
  if (context.vocab_limit > 0) return context.vocab_limit;
  throw Error(Code::missing_key, "the dataset \"" + dataset + "\" does not know its vocabulary's size",
              "set dataset.vocab_size (GPT-2's is 50257), or put meta.json with {\"vocab_size\": N} beside the token files");
}

// The type that the user sets for ids without a header, and the key for errors.
struct GivenWidth {
  int64_t width = 0;  // bytes; 0 = as files beside the token files say, else by the vocabulary's size
  std::string key = "dtype = ";
};

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
  // `given_vocab` is 0 when the user sets none. The notes beside the first training file count for all files.
  void open_tokens(const SplitFiles& files, TokenFormat format, const GivenWidth& given, int64_t given_vocab,
                   const DatasetContext& context, const std::string& dataset) {
    const std::filesystem::path folder = std::filesystem::path(files.train.front()).parent_path();
    const TokenNotes notes = token_notes(folder);
    require_tokenizers(files, context);
    vocab_size_ = vocabulary_of(given_vocab, notes, context, dataset);
    const int64_t needed = vocab_size_ > kMostNarrowIds ? 4 : 2;
    const int64_t width = given.width > 0 ? given.width : notes.id_width() > 0 ? notes.id_width() : needed;
    tokens_.open(files, format, width, context, advice(given));
    tokens_.visit_files([&](TokenFile& file) {
      if (notes.manifest && std::filesystem::path(file.path()).parent_path() == folder)
        require_listed_size(file, *notes.manifest);
      if (file.layout().start > 0) return;  // a header says how wide its ids are
      require_agreement(file, given, notes, folder);
      if (given.width == 0 && notes.id_width() == 0)
        width == 2 ? refuse_half_words(file, given.key) : refuse_joined_words(file, vocab_size_, given.key);
    });
    tokens_.set_limit(context.vocab_limit > 0 ? std::min(vocab_size_, context.vocab_limit) : vocab_size_);
  }

 private:
  static constexpr int64_t kMostNarrowIds = 65536;

  static std::string advice(const GivenWidth& given) {
    return "the vocabulary must be that of the tokenizer the file was made with: see dataset.vocab_size" +
           std::string(given.key.empty() ? "" : ", dataset.dtype") + " and model.vocab_size";
  }
  // Accepts files that no manifest lists.
  static void require_tokenizers(const SplitFiles& files, const DatasetContext& context) {
    std::map<std::filesystem::path, std::optional<CorpusManifest>> unchecked;
    for (const auto* split : {&files.train, &files.val})
      for (const std::filesystem::path file : *split) {
        const std::filesystem::path folder = file.parent_path();
        const auto [found, is_new] = unchecked.try_emplace(folder);
        std::optional<CorpusManifest>& manifest = found->second;
        if (is_new && manifest_kind(folder / kCorpusManifestFile) == ManifestKind::ours)
          manifest = read_manifest(folder / kCorpusManifestFile);
        if (!manifest || !lists(*manifest, file.filename())) continue;
        require_tokenizer(*manifest, folder, context);
        manifest.reset();
      }
  }
  static bool lists(const CorpusManifest& manifest, const std::string& name) {
    return std::any_of(std::begin(manifest.splits), std::end(manifest.splits), [&](const std::vector<ShardInfo>& shards) {
      return std::any_of(shards.begin(), shards.end(), [&](const ShardInfo& shard) { return shard.name == name; });
    });
  }
  void require_agreement(const TokenFile& file, const GivenWidth& given, const TokenNotes& notes,
                         const std::filesystem::path& folder) const {
    if (given.width > 0 && notes.id_width() > 0 && given.width != notes.id_width())
      throw Error(Code::conflict,
                  given.key + '"' + dtype_of(given.width) + "\", but " + notes.width_file(folder) + " says " +
                      dtype_of(notes.id_width()),
                  "leave dtype out, or write " + given.key + '"' + dtype_of(notes.id_width()) + '"', file.path());
    if (given.width == 2 && notes.id_width() == 0 && vocab_size_ > kMostNarrowIds)
      throw Error(Code::conflict,
                  given.key + "\"uint16\" cannot tell the " + std::to_string(vocab_size_) + " ids of the vocabulary apart",
                  "write " + given.key + "\"uint32\", or vocab_size = 65536 if there are no more", file.path());
  }

  TokenSplits tokens_;
  int64_t vocab_size_ = 0;
};

}  // namespace gptcore::datasets
