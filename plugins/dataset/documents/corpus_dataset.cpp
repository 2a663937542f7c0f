#include "corpus_dataset.h"

#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <thread>

#include "core/data/corpus/line_reader.h"
#include "core/data/corpus/tokenizer_hash.h"
#include "core/plugin/cache_folder.h"
#include "gptcore/random.h"
#include "gptcore/utf8.h"

namespace gptcore::datasets {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDownloads = 4;                  // at a time
constexpr size_t kMostToLearn = size_t{1} << 30;  // bytes of text that a tokenizer is given at once

bool is_blank(std::string_view record) {
  return record.find_first_not_of(" \t\r") == record.npos;
}

void require_utf8(std::string_view record) {
  if (const size_t at = find_invalid_utf8(record); at != record.npos)
    throw Error(Code::data_corrupt, "byte " + std::to_string(at + 1) + " of the record is not UTF-8",
                "convert the file to UTF-8");
}

bool has_text(const Document& document) {
  for (const Segment& s : document)
    if (!s.token && !s.text.empty()) return true;
  return false;
}

// Returns the files at those urls, several downloaded at once. Throws the first failure, in the order of the urls.
std::vector<std::string> fetched(Host& host, const std::vector<std::string>& given, const std::vector<std::string>& sha256) {
  const std::vector<std::string> urls = expanded_urls(given);
  std::vector<std::string> files(urls.size());
  std::vector<std::exception_ptr> failures(urls.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    for (size_t i = next++; i < urls.size() && !failed; i = next++) try {
        files[i] = host.fetch(urls[i], sha256.empty() ? std::string() : sha256[i]);
      } catch (...) {
        failures[i] = std::current_exception();
        failed = true;
      }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(urls.size(), kDownloads); ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return files;
}

// Returns a number in [0, 1), the same wherever the document stands.
double place_of(const Document& document) {
  uint64_t hash = 0;
  for (const Segment& s : document)
    if (!s.token) hash = stream_key(hash, s.text);
  return random_uniform(stream_key(hash, "val"), 0);
}

}  // namespace

void CorpusDataset::open(const DatasetContext& context) {
  if (!context.tokenizer)
    throw Error(Code::missing_key, "the dataset \"" + std::string(name()) + "\" needs a tokenizer",
                "add [tokenizer] with use = \"gpt2\" or \"byte\"");
  PrepareJob work = job(*context.tokenizer, *context.host, {});
  work.threads = threads_;
  work.folder = fs::path(cache_.empty() ? cache_folder() : cache_) / "prepared" / work.manifest.key.substr(0, 32);
  const auto read = [&] {
    const CorpusManifest made = *prepare_corpus(work);
    require_validation(made, work.inputs.front().file);
    tell_skipped(made, *context.host);
    folder_.open(work.folder.string(), packing_of(pack_), context);
  };
  try {
    read();
  } catch (const Error& e) {
    // A damaged cache is made again, because it is ours; damaged inputs are an error.
    if (e.code() != Code::data_corrupt || !fs::path(e.where()).string().starts_with(work.folder.string())) throw;
    work.verify = true;
    read();
  }
}

void* CorpusDataset::extension(std::string_view id) {
  return extension_as<Preparation>(this, id);
}

Status CorpusDataset::prepare(const PreparationRequest& request, bool& done) noexcept {
  return guard([&] {
    if (!request.tokenizer)
      throw Error(Code::missing_key, "there is no tokenizer to prepare the documents with",
                  "add [tokenizer] with use = \"gpt2\" or \"byte\"");
    ShardOptions shards;
    shards.format = shard_format(request.format);
    shards.tokens_per_shard = request.tokens_per_shard;
    if (has_context() && shards.format != ShardFormat::gptcore)
      throw Error(Code::usage, "the format " + request.format + " cannot say which tokens are not predicted",
                  "prepare in the format gptcore");
    PrepareJob work = job(*request.tokenizer, *request.host, shards);
    work.folder = request.folder;
    work.threads = request.threads;
    work.cancelled = request.cancelled;
    work.verify = request.verify;
    const auto made = prepare_corpus(work);
    done = made.has_value();
    if (!made) return;
    require_validation(*made, work.inputs.front().file);
    tell_skipped(*made, *request.host);
  });
}

PrepareJob CorpusDataset::job(Tokenizer& tokenizer, Host& host, const ShardOptions& shards) {
  PrepareJob out;
  out.inputs = inputs(host);
  if (!tokenizer.ready()) learn(tokenizer, out.inputs);
  use(tokenizer);
  end_ = find_end_of_text(tokenizer);
  vocab_ = tokenizer.vocab_size();
  out.host = &host;
  out.label = "preparing " + fs::path(out.inputs.front().file).filename().string() +
              (out.inputs.size() > 1 ? " and " + std::to_string(out.inputs.size() - 1) + " more" : "");
  CorpusManifest& m = out.manifest;
  m.shards = shards;
  m.shards.width = has_context() || vocab_ > 65536 ? 4 : 2;
  m.shards.flag = has_context() ? kContextFlag : 0;
  m.vocab_size = vocab_;
  m.tokenizer = tokenizer_hash(tokenizer);
  if (end_) m.end_of_text = *end_;
  m.options = std::string(name()) + ", " + options() + ", end of text " + (end_of_text_first_ ? "first" : "last") +
              ", val_fraction " + to_toml(Value(val_share()));
  if (on_bad_record_ == "skip") out.most_skipped = max_bad_records_;
  m.key = corpus_key(out.inputs, m.to_json());
  out.tokenizer_state = tokenizer.save();
  out.open = [this](const std::string& file) { return records(file); };
  out.encode = [this, &tokenizer](std::string_view record, std::optional<Split> split, const bool(&wanted)[2]) {
    return encode(tokenizer, record, split, wanted);
  };
  return out;
}

std::unique_ptr<RecordReader> CorpusDataset::records(const std::string& file) const {
  return std::make_unique<LineReader>(file);
}

std::vector<CorpusInput> CorpusDataset::inputs(Host& host) const {
  std::vector<std::string> files = data_files(files_, endings());
  if (files.empty()) files = fetched(host, urls_, sha256_);
  std::vector<CorpusInput> out;
  for (std::string& file : files) {
    out.push_back({std::move(file), {}});
    if (val_share() == 0) out.back().split = Split::train;
  }
  for (std::string& file : data_files(val_, endings())) out.push_back({std::move(file), Split::val});
  return out;
}

void CorpusDataset::learn(Tokenizer& tokenizer, const std::vector<CorpusInput>& inputs) const {
  std::string corpus, record;
  for (const CorpusInput& input : inputs) {
    const std::unique_ptr<RecordReader> all = records(input.file);
    for (record.clear(); all->next(record); record.clear()) {
      if (is_blank(record)) continue;
      try {
        for (const Segment& s : document_of(record)) corpus += s.text;
      } catch (const Error& e) {
        if (on_bad_record_ == "skip" && e.code() == Code::data_corrupt) continue;
        throw Error(e.code(), e.what(), e.hint(), input.file + ":" + std::to_string(all->number()));
      }
      if (corpus.size() > kMostToLearn)
        throw Error(Code::conflict, "the tokenizer would have to learn from more than 1 GiB of text",
                    "use one that is ready, as \"gpt2\" or \"byte\"", input.file);
    }
  }
  tokenizer.learn(corpus);
}

std::optional<int32_t> CorpusDataset::find_end_of_text(const Tokenizer& tokenizer) const {
  if (end_of_text_ == "none") return std::nullopt;
  if (end_of_text_ == "auto") return tokenizer.special("<|endoftext|>");
  const auto id = tokenizer.special(end_of_text_);
  if (!id)
    throw Error(Code::conflict, "the tokenizer has no special token '" + end_of_text_ + "', which end_of_text names",
                "write end_of_text = \"auto\" or \"none\"");
  return id;
}

EncodedDocument CorpusDataset::encode(const Tokenizer& tokenizer, std::string_view record, std::optional<Split> split,
                                      const bool (&wanted)[2]) const {
  EncodedDocument out;
  if (is_blank(record)) return out;
  Document document;
  try {
    document = document_of(record);
  } catch (const Error& e) {
    if (on_bad_record_ != "skip" || e.code() != Code::data_corrupt) throw;
    out.unusable = e.what();
    return out;
  }
  out.split = split.value_or(place_of(document) < val_share() ? Split::val : Split::train);
  out.empty = !has_text(document);
  if (!out.empty && wanted[static_cast<size_t>(out.split)]) out.ids = ids_of(tokenizer, document);
  return out;
}

// Parses a record. Throws Error without a place.
Document CorpusDataset::document_of(std::string_view record) const {
  try {
    require_utf8(record);
    return parse(record);
  } catch (const Error& e) {
    if (e.code() != Code::data_corrupt) throw;
    throw Error(e.code(), e.what(),
                e.hint() + (e.hint().empty() ? "" : "; ") + "on_bad_record = \"skip\" passes over such records");
  }
}

void CorpusDataset::tell_skipped(const CorpusManifest& made, Host& host) const {
  if (made.skipped > 0)
    host.log(Level::warning, std::to_string(made.skipped) +
                                 (made.skipped == 1 ? " record could not be used and was skipped: "
                                                    : " records could not be used and were skipped, the first ") +
                                 made.first_skipped);
}

std::vector<uint32_t> CorpusDataset::ids_of(const Tokenizer& tokenizer, const Document& document) const {
  std::vector<uint32_t> out;
  const auto add = [&](int32_t id, bool predicted) {
    if (id < 0 || id >= vocab_)
      throw Error(Code::token_out_of_range, "the tokenizer gave the id " + std::to_string(id) +
                                                ", which is not below its size " + std::to_string(vocab_));
    out.push_back(static_cast<uint32_t>(id) | (predicted ? 0 : kContextFlag));
  };
  if (end_ && end_of_text_first_) add(*end_, !has_context());
  for (const Segment& s : document) {
    if (s.token) {
      add(*s.token, s.predicted);
    } else {
      for (const int32_t id : tokenizer.encode(s.text)) add(id, s.predicted);
    }
  }
  if (end_ && !end_of_text_first_) add(*end_, true);
  return out;
}

void CorpusDataset::require_validation(const CorpusManifest& made, const std::string& where) const {
  if (val_fraction_.value_or(0) > 0 && made.tokens(Split::val) == 0)
    throw Error(Code::data_too_short,
                "none of the " + std::to_string(made.documents(Split::train)) + " documents fell to the val split",
                "give more documents, another val_fraction, val = [FILES], or val_fraction = 0 for no validation", where);
}

}  // namespace gptcore::datasets
