// A dataset returns token windows by their global sample index. Any position is reached at once, and every number of ranks
// sees the same order.
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

// The arguments of Dataset::open(). References stay valid for the dataset's life.
struct DatasetContext {
  Tokenizer* tokenizer = nullptr;  // null when the pipeline has no [tokenizer]
  int64_t block_size = 0;          // T
  int64_t vocab_limit = 0;         // every id must be below this, else Error(token_out_of_range); 0 = no limit is known
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
  at::Tensor targets;  // (B, T) int64: the next token, or -1 where the loss ignores the position
};

// The program calls open() first. It calls batch() on the [worker thread] and never twice at once. A batch depends on its
// request and the seed alone, so the dataset keeps no position. Methods throw Error(data_*), which names file and offset.
class Dataset {
 public:
  virtual ~Dataset();
  // Reads and checks the sources; may call context.tokenizer->learn().
  virtual void open(const DatasetContext& context) = 0;
  // Returns a bound that every id is below, or 0 when only the tokenizer knows one.
  virtual int64_t vocab_size() const { return 0; }
  // Returns the number of tokens in the split, or 0 when the split is absent.
  virtual int64_t tokens(Split split) const = 0;
  // Returns the number of sequential windows, which together predict every token exactly once. The first token is never
  // predicted: that of the split, or of each document or source where windows do not cross their borders.
  virtual int64_t windows(Split split) const = 0;
  virtual void batch(const BatchRequest& request, Batch& out) = 0;
  // Returns a hash of the tokens or of the files, by which a resumed run notices that the data has changed.
  virtual std::string fingerprint() const = 0;
  // Returns what a resumed run must know beyond parameters and seed, as any bytes; checkpoints store it. load() follows open(),
  // at once or between two batches, and restores the controls to their saved values.
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  // Changes a control between two batches, on behalf of an operation; save() includes the new value. The default throws
  // Error(unknown_key).
  virtual void set(std::string_view key, const Value& value);
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
