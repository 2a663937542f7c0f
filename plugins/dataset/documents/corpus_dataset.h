// A dataset of files of documents. open() prepares them once as token shards in the cache folder, and reads those.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/corpus/prepare.h"
#include "core/data/corpus/source_files.h"
#include "gptcore/draft/preparation.h"
#include "gptcore/schema.h"
#include "shard_folder.h"

namespace gptcore::datasets {

// A text to tokenize, or a single token.
struct Segment {
  std::string text;
  std::optional<int32_t> token;  // in place of text
  bool predicted = true;         // false: shown but left out of the loss
};
using Document = std::vector<Segment>;

class CorpusDataset : public Dataset, Preparation {
 public:
  void open(const DatasetContext& context) override;
  int64_t vocab_size() const override { return folder_.manifest().vocab_size; }
  int64_t tokens(Split split) const override { return folder_.tokens(split); }
  int64_t windows(Split split) const override { return folder_.windows(split); }
  void batch(const BatchRequest& request, Batch& out) override { folder_.batch(request, out); }
  std::string fingerprint() const override { return folder_.fingerprint(); }
  void* extension(std::string_view id) override;

 protected:
  // Adds the parameters of every such dataset.
  template <class T> static void add_schema(Schema<T>& s);

  // Called once, before documents are read, with a ready tokenizer. Throws Error(conflict) when the tokenizer cannot be used.
  virtual void use(const Tokenizer& tokenizer) { static_cast<void>(tokenizer); }
  // Returns the records of a file; the default: its lines.
  virtual std::unique_ptr<RecordReader> records(const std::string& file) const;
  // Returns the endings of its files' names, for folders.
  virtual std::vector<std::string> endings() const { return {".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz"}; }
  // [any thread] Returns the document of a record that is valid UTF-8 and not blank. Throws Error without a place.
  virtual Document parse(std::string_view record) const = 0;
  // Returns whether documents have segments that are not predicted.
  virtual bool has_context() const { return false; }
  // Returns what parse() depends on beyond the tokenizer.
  virtual std::string options() const = 0;
  virtual const char* name() const = 0;

  std::string pack_ = "stream", end_of_text_ = "auto";

 private:
  Status prepare(const PreparationRequest& request, bool& done) noexcept override;

  std::vector<CorpusInput> inputs(Host& host) const;
  void learn(Tokenizer& tokenizer, const std::vector<CorpusInput>& inputs) const;
  PrepareJob job(Tokenizer& tokenizer, Host& host, const ShardOptions& shards);
  EncodedDocument encode(const Tokenizer& tokenizer, std::string_view record, std::optional<Split> split,
                         const bool (&wanted)[2]) const;
  Document document_of(std::string_view record) const;
  void tell_skipped(const CorpusManifest& made, Host& host) const;
  std::vector<uint32_t> ids_of(const Tokenizer& tokenizer, const Document& document) const;
  void require_validation(const CorpusManifest& made, const std::string& where) const;
  std::optional<int32_t> find_end_of_text(const Tokenizer& tokenizer) const;
  double val_share() const { return val_.empty() ? val_fraction_.value_or(kValFraction) : 0; }

  static constexpr double kValFraction = 0.005;
  std::vector<std::string> files_, val_, urls_, sha256_;
  std::optional<double> val_fraction_;
  std::string cache_, on_bad_record_ = "stop";
  int64_t max_bad_records_ = 100;
  bool end_of_text_first_ = false;
  int64_t threads_ = 0;

  std::optional<int32_t> end_;  // the id, while preparing
  int64_t vocab_ = 0;
  ShardFolder folder_;
};

// Returns a member of the base class as one of T.
template <class T, class M> M T::*of(M CorpusDataset::*member) {
  return member;
}

template <class T> void add_packing(Schema<T>& s, std::string T::*member) {
  s.param("pack", member, "how documents are cut into windows")
      .choice("stream", "one after another: windows cross from document to document")
      .choice("documents", "a window begins or continues a document; its rest is padding and not predicted")
      .choice("best_fit", "as documents, with the pieces of several documents in a window where they fit");
}

template <class T> void CorpusDataset::add_schema(Schema<T>& s) {
  s.param("files", of<T>(&CorpusDataset::files_), "files, patterns, or folders with such files, in this order").path();
  s.param("urls", of<T>(&CorpusDataset::urls_),
          "files to download when files is empty (https, http or file); {000..013} in one stands for as many");
  s.param("sha256", of<T>(&CorpusDataset::sha256_),
          "the SHA-256 of each of urls, 64 hex digits; default: downloads are not checked and their hashes are logged");
  s.param("val", of<T>(&CorpusDataset::val_), "files for validation; default: val_fraction chooses documents").path();
  s.param("val_fraction", of<T>(&CorpusDataset::val_fraction_),
          "share of the documents, chosen by their hash, kept for validation; 0.005 without val")
      .at_least(0)
      .below(1);
  s.param("end_of_text", of<T>(&CorpusDataset::end_of_text_),
          "token between documents: auto = <|endoftext|> if the tokenizer has it, none, or a special token's name");
  s.param("end_of_text_first", of<T>(&CorpusDataset::end_of_text_first_), "it comes before each document, not after it");
  add_packing(s, of<T>(&CorpusDataset::pack_));
  s.param("on_bad_record", of<T>(&CorpusDataset::on_bad_record_), "what to do with a record that cannot be used")
      .choice("stop", "end the run; the error names file and line")
      .choice("skip", "skip it; the number of skipped records is logged");
  s.param("max_bad_records", of<T>(&CorpusDataset::max_bad_records_), "with on_bad_record = \"skip\": more of them end the run")
      .range(1, 1e12);
  s.param("cache", of<T>(&CorpusDataset::cache_), "folder for the prepared tokens; empty: GPTCORE_CACHE or ~/.cache/gptcore")
      .path()
      .unit("made by the run");
  s.param("threads", of<T>(&CorpusDataset::threads_), "threads that tokenize; 0 = all that this process may use")
      .range(0, 1024);
  s.check([](const T& object, Problems& found) {
    const CorpusDataset& d = object;
    if (d.files_.empty() && d.urls_.empty())
      found.push_back({"files", "neither files nor urls is given", "files = [\"corpus/*.jsonl\"]"});
    if (const size_t urls = expanded_urls(d.urls_).size(); !d.sha256_.empty() && urls != d.sha256_.size())
      found.push_back({"sha256",
                       "there are " + std::to_string(urls) + " urls and " + std::to_string(d.sha256_.size()) + " hashes",
                       "sha256sum FILE prints it"});
    if (!d.val_.empty() && d.val_fraction_)
      found.push_back({"val_fraction", "val_fraction together with val", "leave one of them out"});
  });
}

}  // namespace gptcore::datasets
