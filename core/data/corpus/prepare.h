// Turns files of documents into a folder of token shards: several threads tokenize, one writes, in the files' order.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/corpus/manifest.h"
#include "core/data/corpus/record_reader.h"
#include "gptcore/host.h"

namespace gptcore {

struct EncodedDocument {
  Split split = Split::train;
  std::vector<uint32_t> ids;
  bool empty = false;    // a document without a token; it is left out
  std::string unusable;  // why the record is to be skipped; "" when it is not
};

struct CorpusInput {
  std::string file;
  std::optional<Split> split;  // absent: the document's own hash decides
};

// [any thread] Makes a document of the record. Where its split is not wanted ids may be left out. Throws Error; one without a
// place gets the file and the record's number.
using EncodeRecord =
    std::function<EncodedDocument(std::string_view record, std::optional<Split> split, const bool (&wanted)[2])>;

struct PrepareJob {
  std::vector<CorpusInput> inputs;
  std::filesystem::path folder;
  std::string label;        // for the progress bar
  CorpusManifest manifest;  // key and what describes the content; the rest is filled in
  std::string tokenizer_state;
  OpenRecords open;
  EncodeRecord encode;
  int64_t threads = 0;       // 0 = as many as the machine has
  int64_t most_skipped = 0;  // unusable records; one more is Error(data_corrupt)
  bool verify = false;       // of a complete folder also the hashes are compared, not only the sizes
  Host* host = nullptr;
  std::function<bool()> cancelled;
};

// What makes preparations the same: names, sizes, times, first and last bytes of the inputs, and `rest`.
std::string corpus_key(const std::vector<CorpusInput>& inputs, const std::string& rest);

// Goes on where an earlier call with the same key was interrupted, after checking its finished shards. When that one came to
// its end, only what was damaged since is made again. Output does not depend on the number of threads. Waits for another
// process that prepares the same folder. Throws Error: of the inputs with file:number, Error(run_exists) when the folder holds
// something else, Error(disk_full). Absent when cancelled.
std::optional<CorpusManifest> prepare_corpus(const PrepareJob& job);

}  // namespace gptcore
