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
  bool empty = false;    // the document has no token and is left out
  std::string unusable;  // why the record is to be skipped; "" when it is not
};

struct CorpusInput {
  std::string file;
  std::optional<Split> split;  // absent: the document's own hash decides
};

// [any thread] Makes a document of the record. May leave out the ids when the document's split is not wanted. Throws Error; an
// Error without a place gets the file and the record's number.
using EncodeRecord =
    std::function<EncodedDocument(std::string_view record, std::optional<Split> split, const bool (&wanted)[2])>;

struct PrepareJob {
  std::vector<CorpusInput> inputs;
  std::filesystem::path folder;
  std::string label;        // for the progress bar
  CorpusManifest manifest;  // the caller sets the key and the description of the content
  std::string tokenizer_state;
  OpenRecords open;
  EncodeRecord encode;
  int64_t threads = 0;       // 0 = as many as the machine has
  int64_t most_skipped = 0;  // limit of unusable records; one more is Error(data_corrupt)
  bool verify = false;       // compare hashes of a complete folder, not only sizes
  Host* host = nullptr;
  std::function<bool()> cancelled;
};

// Returns a key that is equal when the inputs' names, sizes, times, first and last bytes, and `rest` are equal.
std::string corpus_key(const std::vector<CorpusInput>& inputs, const std::string& rest);

// Continues where an earlier call with the same key was interrupted, after checking its finished shards. When the earlier call
// finished, makes only what was damaged since. The output does not depend on the number of threads. Waits for another process
// that prepares the same folder. Throws Error with file:number for an invalid input, Error(run_exists) when the folder holds
// something else, Error(disk_full). Returns nothing when cancelled.
std::optional<CorpusManifest> prepare_corpus(const PrepareJob& job);

}  // namespace gptcore
