// Plain text files as one corpus. Its first characters are the training split and the rest the validation split, cut as
// nanoGPT does: int(characters * (1 - val_fraction)).
#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "core/data/corpus/source_files.h"
#include "core/data/corpus/source_text.h"
#include "gptcore/plugin.h"
#include "gptcore/token_windows.h"
#include "gptcore/utf8.h"

namespace {

using namespace gptcore;

class Text final : public Dataset {
 public:
  static void schema(Schema<Text>& s) {
    s.param("files", &Text::files_, "files, folders and patterns (src/**/*.cpp), read in this order").path();
    s.param("extensions", &Text::extensions_, "which files of a folder are read, as [\".txt\"]; empty: every text file");
    s.param("url", &Text::url_, "a text to download when files is empty (https, http or file)");
    s.param("sha256", &Text::sha256_, "the SHA-256 of the file at url, 64 hex digits");
    s.param("val_fraction", &Text::val_fraction_, "share of the characters, at the end, kept for validation")
        .at_least(0)
        .below(1);
    s.check([](const Text& t, Problems& found) {
      if (t.files_.empty() && t.url_.empty())
        found.push_back({"files", "neither files nor url is given", "files = [\"input.txt\"]"});
      if (!t.url_.empty() && t.sha256_.empty())
        found.push_back({"sha256", "url needs the file's sha256", "sha256sum FILE prints it"});
      if (t.url_.empty() && !t.sha256_.empty()) found.push_back({"sha256", "sha256 belongs to url, which is not given", ""});
    });
  }

  void open(const DatasetContext& context) override {
    if (!context.tokenizer)
      throw Error(Code::missing_key, "the dataset \"text\" needs a tokenizer",
                  "add [tokenizer] with use = \"char\" or \"byte\"");
    read(*context.host);
    try {
      if (!context.tokenizer->ready()) context.tokenizer->learn(corpus_);
      encode(*context.tokenizer, context.vocab_limit);
    } catch (const Error& e) {
      if (e.code() == Code::data_corrupt) name_invalid_file(e);
      if (e.code() == Code::unknown_character) name_file_of_character(*context.tokenizer);
      throw;
    }
    for (const std::string& warning : warnings_) context.host->log(Level::warning, warning);
    const std::string where = sources_.size() == 1 ? sources_[0].path : std::to_string(sources_.size()) + " files";
    const std::string hint = "give more text, a smaller block_size or another val_fraction";
    for (const Split split : {Split::train, Split::val}) {
      const auto& ids = tokens_[index(split)];
      if (ids.empty() && (split == Split::train || val_fraction_ > 0)) refuse_empty(split, where);
      windows_[index(split)] = {static_cast<int64_t>(ids.size()), context.block_size, context.seed, split, where, hint};
    }
    fingerprint_ = hash_of(span(Split::val), hash_of(span(Split::train)));
    corpus_ = {};
  }

  int64_t tokens(Split split) const override { return windows_[index(split)].tokens(); }
  int64_t windows(Split split) const override { return windows_[index(split)].windows(); }
  void batch(const BatchRequest& request, Batch& out) override {
    windows_[index(request.split)].batch(request, out, tokens_of(span(request.split)));
  }
  std::string fingerprint() const override {
    char text[32];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(fingerprint_));
    return text;
  }

 private:
  struct Source {
    std::string path;
    size_t begin;  // in the corpus
  };

  static size_t index(Split split) { return static_cast<size_t>(split); }
  std::span<const int32_t> span(Split split) const { return tokens_[index(split)]; }

  void read(Host& host) {
    std::vector<std::string> paths;
    if (files_.empty()) paths.push_back(host.fetch(url_, sha256_));
    std::set<std::string> seen;
    for (const std::string& entry : files_)
      for (std::string& path : source_files(entry, extensions_))
        if (seen.insert(path).second) paths.push_back(std::move(path));
    for (std::string& path : paths) {
      sources_.push_back({path, corpus_.size()});
      corpus_ += source_text(path, host, warnings_);
    }
    if (corpus_.empty()) throw Error(Code::data_empty, "the text is empty", "check files", paths.front());
  }

  void encode(const Tokenizer& tokenizer, int64_t vocab_limit) {
    const size_t cut = train_bytes();
    tokens_[index(Split::train)] = tokenizer.encode(std::string_view(corpus_).substr(0, cut));
    tokens_[index(Split::val)] = tokenizer.encode(std::string_view(corpus_).substr(cut));
    const int64_t vocab = tokenizer.vocab_size();
    const int64_t limit = vocab_limit > 0 ? std::min(vocab, vocab_limit) : vocab;
    for (const auto& ids : tokens_)
      for (const int32_t id : ids)
        if (id < 0 || id >= limit)
          throw Error(Code::token_out_of_range,
                      "the tokenizer gave the id " + std::to_string(id) + ", which is not below the vocabulary's size " +
                          std::to_string(limit),
                      "the tokenizer has " + std::to_string(vocab) + " ids: model.vocab_size must be at least that");
  }

  // Returns the first characters' size. Counts the bytes that begin a character, which any bytes allow.
  size_t train_bytes() const {
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    const auto characters = std::count_if(corpus_.begin(), corpus_.end(), begins);
    auto left = static_cast<int64_t>(static_cast<double>(characters) * (1.0 - val_fraction_));
    size_t at = 0;
    for (; at < corpus_.size(); ++at)
      if (begins(corpus_[at]) && left-- == 0) break;
    return at;
  }

  // Throws `e` with the file and the place where the corpus is not UTF-8.
  void name_invalid_file(const Error& e) const {
    const size_t at = find_invalid_utf8(corpus_);
    if (at == std::string::npos) return;
    const auto source = std::find_if(sources_.rbegin(), sources_.rend(), [&](const Source& s) { return s.begin <= at; });
    throw Error(e.code(), "the byte at offset " + std::to_string(at - source->begin) + " is not UTF-8", e.hint(), source->path);
  }

  // Throws the tokenizer's error with the file of the character that cannot be encoded.
  void name_file_of_character(const Tokenizer& tokenizer) const {
    for (size_t s = 0; s < sources_.size(); ++s) try {
        const size_t end = s + 1 < sources_.size() ? sources_[s + 1].begin : corpus_.size();
        tokenizer.encode(std::string_view(corpus_).substr(sources_[s].begin, end - sources_[s].begin));
      } catch (const Error& e) {
        throw Error(e.code(), e.what(), e.hint(), sources_[s].path);
      }
  }

  [[noreturn]] static void refuse_empty(Split split, const std::string& where) {
    throw Error(Code::data_too_short, "the text is too short to give the " + std::string(name_of(split)) + " split a token",
                split == Split::val ? "give more text, or val_fraction = 0 for no validation" : "give more text", where);
  }

  std::vector<std::string> files_, extensions_;
  std::string url_, sha256_;
  double val_fraction_ = 0.1;

  std::string corpus_;  // while opening
  std::vector<Source> sources_;
  std::vector<std::string> warnings_;  // logged when the tokenizer has accepted the text
  std::vector<int32_t> tokens_[2];
  TokenWindows windows_[2];
  uint64_t fingerprint_ = 0;
};

void setup(Registrar& r) {
  r.dataset<Text>("text", "plain text files, or one downloaded text, as one corpus");
}

}  // namespace

GPTCORE_PLUGIN("text", GPTCORE_VERSION, setup)
