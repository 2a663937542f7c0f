#include "core/data/corpus/prepare.h"

#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "core/data/corpus/corpus_folder.h"
#include "core/data/corpus/ordered_work.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunkBytes = size_t{1} << 20, kBytesInWork = size_t{48} << 20;

// Records of one file, to be tokenized together.
struct Chunk {
  const CorpusInput* input = nullptr;
  std::string text;
  std::vector<size_t> ends;  // of its records
  int64_t first_record = 0;  // in the file, from 1
  int64_t first_number = 0;  // in all files, from 0
  int64_t position = 0;      // bytes of all files read up to its end
  size_t bytes = 0;
};

struct Encoded {
  std::vector<EncodedDocument> documents;  // one per record
  const CorpusInput* input = nullptr;
  int64_t first_record = 0, first_number = 0, position = 0;
  size_t bytes = 0;
};

Encoded encode_chunk(const EncodeRecord& encode, const int64_t (&from)[2], Chunk& chunk) {
  Encoded out{{}, chunk.input, chunk.first_record, chunk.first_number, chunk.position, chunk.bytes};
  size_t begin = 0;
  for (size_t i = 0; i < chunk.ends.size(); ++i) {
    const int64_t number = chunk.first_number + static_cast<int64_t>(i);
    const std::string_view record = std::string_view(chunk.text).substr(begin, chunk.ends[i] - begin);
    begin = chunk.ends[i];
    try {
      out.documents.push_back(encode(record, chunk.input->split, {number >= from[0], number >= from[1]}));
    } catch (const Error& e) {
      throw e.at(chunk.input->file + ":" + std::to_string(chunk.first_record + static_cast<int64_t>(i)));
    }
  }
  return out;
}

// Cuts the inputs into chunks.
class ChunkReader {
 public:
  ChunkReader(const std::vector<CorpusInput>& inputs, const OpenRecords& open) : inputs_(inputs), open_(open) {}

  std::optional<Chunk> next() {
    while (at_ < inputs_.size()) {
      if (!records_) records_ = open_(inputs_[at_].file);
      Chunk chunk;
      chunk.input = &inputs_[at_];
      chunk.first_record = records_->number() + 1;
      chunk.first_number = number_;
      while (chunk.text.size() < kChunkBytes && records_->next(chunk.text)) chunk.ends.push_back(chunk.text.size());
      number_ += static_cast<int64_t>(chunk.ends.size());
      chunk.position = before_ + records_->position();
      chunk.bytes = chunk.text.size() + kChunkBytes / 16;
      if (!chunk.ends.empty()) return chunk;
      before_ += records_->position();
      records_.reset();
      ++at_;
    }
    return std::nullopt;
  }

 private:
  const std::vector<CorpusInput>& inputs_;
  const OpenRecords& open_;
  size_t at_ = 0;
  std::unique_ptr<RecordReader> records_;
  int64_t number_ = 0, before_ = 0;
};

size_t threads_of(const PrepareJob& job) {
  if (job.threads > 0) return static_cast<size_t>(job.threads);
  cpu_set_t mine;
  const bool known = ::sched_getaffinity(0, sizeof mine, &mine) == 0;
  return static_cast<size_t>(known ? std::max(1, CPU_COUNT(&mine)) : 1);
}

// Makes one pass over the inputs, into the folder's open shards.
class Pass {
 public:
  Pass(const PrepareJob& job, CorpusFolder& folder)
      : job_(job),
        folder_(folder),
        train_(folder.writer(Split::train)),
        val_(folder.writer(Split::val)),
        from_{train_->next_document(), val_->next_document()},
        work_(threads_of(job), [this](Chunk& chunk) { return encode_chunk(job_.encode, from_, chunk); }) {
    for (const CorpusSource& s : folder.manifest().sources) total_ += s.bytes;
  }

  // Returns false when it was cancelled.
  bool run() {
    if (total_ > 0) job_.host->progress(job_.label, 0, total_, "B");  // rates count from here
    ChunkReader reader(job_.inputs, job_.open);
    while (auto chunk = next_chunk(reader)) {
      if (cancelled()) return false;
      while (!work_.empty() && (work_.ready() || in_work_ + chunk->bytes > kBytesInWork)) take();
      in_work_ += chunk->bytes;
      work_.put(std::move(*chunk));
    }
    while (!work_.empty()) {
      if (cancelled()) return false;
      take();
    }
    if (unread_) std::rethrow_exception(unread_);
    train_->finish();
    val_->finish();
    if (total_ > 0) job_.host->progress(job_.label, total_, total_, "B");
    return true;
  }

 private:
  bool cancelled() const { return job_.cancelled && job_.cancelled(); }

  // An error of the file is reported after errors of the lines before.
  std::optional<Chunk> next_chunk(ChunkReader& reader) {
    try {
      return reader.next();
    } catch (const Error&) {
      unread_ = std::current_exception();
      return std::nullopt;
    }
  }

  void take() {
    const Encoded done = work_.take();
    in_work_ -= done.bytes;
    for (size_t i = 0; i < done.documents.size(); ++i) {
      const EncodedDocument& document = done.documents[i];
      if (document.empty) ++folder_.manifest().left_out;
      if (!document.unusable.empty()) skip(document.unusable, *done.input, done.first_record + static_cast<int64_t>(i));
      if (!document.ids.empty())
        (document.split == Split::train ? train_ : val_)->add(done.first_number + static_cast<int64_t>(i), document.ids);
    }
    job_.host->progress(job_.label, std::min(done.position, total_ - 1), total_, "B");
  }

  void skip(const std::string& why, const CorpusInput& input, int64_t record) {
    CorpusManifest& m = folder_.manifest();
    const std::string number = ":" + std::to_string(record);
    if (++m.skipped == 1) m.first_skipped = fs::path(input.file).filename().string() + number + ": " + why;
    if (m.skipped > job_.most_skipped)
      throw Error(
          Code::data_corrupt,
          why + "; it is one of " + std::to_string(m.skipped) + " records that cannot be used, the first " + m.first_skipped,
          "fix them, or raise max_bad_records, which is " + std::to_string(job_.most_skipped), input.file + number);
  }

  const PrepareJob& job_;
  CorpusFolder& folder_;
  std::unique_ptr<ShardWriter> train_, val_;
  const int64_t from_[2];
  int64_t total_ = 0;
  size_t in_work_ = 0;
  std::exception_ptr unread_;
  OrderedWork<Chunk, Encoded> work_;
};

// Returns the file's first and last bytes, which tell apart files of one name, size and time.
std::string ends_of(const std::string& path, int64_t size) {
  constexpr int64_t kEnd = 1 << 16;
  const auto file = posix_file_system()->open(path);
  std::string bytes(static_cast<size_t>(std::min(size, 2 * kEnd)), '\0');
  const auto half = bytes.size() / 2;
  const std::span<std::byte> out = std::as_writable_bytes(std::span(bytes));
  file->read_at(0, out.first(half));
  file->read_at(static_cast<uint64_t>(size) - (bytes.size() - half), out.subspan(half));
  return sha256_hex(bytes);
}

// Throws when a folder that was made with another limit skipped too many records.
void require_few_skipped(const PrepareJob& job, const CorpusManifest& made) {
  if (made.skipped <= job.most_skipped) return;
  throw Error(Code::data_corrupt,
              std::to_string(made.skipped) + " records were skipped when the folder was made, and at most " +
                  std::to_string(job.most_skipped) + " may be; the first is " + made.first_skipped,
              "fix them, or set on_bad_record = \"skip\" and max_bad_records = " + std::to_string(made.skipped),
              job.folder.string());
}

}  // namespace

std::string corpus_key(const std::vector<CorpusInput>& inputs, const std::string& rest) {
  std::string text = rest;
  for (const CorpusInput& input : inputs) {
    struct stat info {};
    if (::stat(input.file.c_str(), &info) != 0)
      throw Error(Code::data_missing, "there is no such file", "check the path", input.file);
    text += "\n" + fs::path(input.file).filename().string() + " " + std::to_string(info.st_size) + " " +
            std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + " " +
            (input.split ? name_of(*input.split) : "hash") + " " + ends_of(input.file, info.st_size);
  }
  return sha256_hex(text);
}

std::optional<CorpusManifest> prepare_corpus(const PrepareJob& job) {
  CorpusManifest wanted = job.manifest;
  for (const CorpusInput& input : job.inputs)
    wanted.sources.push_back({fs::path(input.file).filename().string(), static_cast<int64_t>(fs::file_size(input.file))});
  CorpusFolder folder(job.folder, std::move(wanted), *job.host, job.verify);
  if (folder.complete()) {
    require_few_skipped(job, folder.manifest());
    folder.keep_tokenizer(job.tokenizer_state);
    return folder.manifest();
  }
  if (!Pass(job, folder).run()) return std::nullopt;
  folder.publish(job.tokenizer_state, job.inputs.front().file);
  return folder.manifest();
}

}  // namespace gptcore
