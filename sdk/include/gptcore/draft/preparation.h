// Draft: a dataset that can turn its sources into files of tokens. What Dataset::extension("gptcore.preparation/1") returns.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "gptcore/host.h"
#include "gptcore/port.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct PreparationRequest {
  std::string folder;              // to be made; may hold an interrupted preparation of the same sources
  std::string format = "gptcore";  // gptcore | nanogpt | llmc | npy
  int64_t tokens_per_shard = 100'000'000;
  int64_t threads = 0;             // 0 = all that the process may use
  Tokenizer* tokenizer = nullptr;  // open; may still have to learn
  Host* host = nullptr;
  std::function<bool()> cancelled;
  bool verify = false;  // of a complete folder also the hashes are compared, not only the sizes
};

// Called on an object that is not open, or after open(). The folder is complete when it holds manifest.json, which is written
// last. What was damaged in a complete one is made again.
class Preparation {
 public:
  // Ok with `done` false when it was cancelled.
  virtual Status prepare(const PreparationRequest& request, bool& done) noexcept = 0;

 protected:
  ~Preparation() = default;
};

}  // namespace gptcore
