// Token windows by global sample index, so that any position is reached at once and any number of ranks sees one order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "gptcore/host.h"
#include "gptcore/tokenizer.h"
#include "gptcore/value.h"

namespace gptcore {

enum class Split : int { train, val };
constexpr const char* name_of(Split split) {
  return split == Split::train ? "train" : "val";
}

// What a dataset is opened with. References stay valid for the dataset's life.
struct DatasetContext {
  Tokenizer* tokenizer = nullptr;  // null when the pipeline has no [tokenizer]
  int64_t block_size = 0;          // T
  int64_t vocab_limit = 0;         // every id must be below, 0 = no limit known: else Error(token_out_of_range)
  uint64_t seed = 0;               // the only source of randomness
  Host* host = nullptr;
};

enum class Order : int {
  shuffled,    // sample i is a window at a pseudo-random place; i has no upper bound
  sequential,  // sample i is the i-th window of the split cut into consecutive ones; 0 <= i < windows
};

struct BatchRequest {
  Split split = Split::train;
  Order order = Order::shuffled;
  int64_t first_sample = 0;  // samples first_sample .. first_sample + count - 1
  int64_t count = 0;         // B
};

struct Batch {
  at::Tensor ids;      // (B, T) int64 on the CPU
  at::Tensor targets;  // (B, T) int64: the next token, or -1 where nothing is to be predicted
};

// open() first, then the rest. batch() is called on the [worker thread], never twice at once; it depends on its request
// and the seed alone, so it keeps no place. Errors: Error(data_*), naming file and offset.
class Dataset {
 public:
  virtual ~Dataset();
  // Reads and checks the sources; may call context.tokenizer->learn().
  virtual void open(const DatasetContext& context) = 0;
  // Ids are below this; 0 when only the tokenizer knows.
  virtual int64_t vocab_size() const { return 0; }
  // Number of tokens in the split; 0 when the split is absent.
  virtual int64_t tokens(Split split) const = 0;
  // Number of sequential windows that predict every token of the split exactly once, but for the first: of the split, or of
  // each document or source where no window crosses them.
  virtual int64_t windows(Split split) const = 0;
  virtual void batch(const BatchRequest& request, Batch& out) = 0;
  // Identifies the content (a hash of the tokens or of the files), so that a resumed run notices other data.
  virtual std::string fingerprint() const = 0;
  // What a resumed run must know beyond parameters and seed; any bytes. Stored in checkpoints. load() follows open(), at once
  // or between two batches, and takes back what was set since.
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  // Changes a control between two batches, as an operation asks; save() then tells it. What this does: Error(unknown_key).
  virtual void set(std::string_view key, const Value& value);
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
