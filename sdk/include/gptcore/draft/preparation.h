// Draft: an extension of Dataset that turns the dataset's sources into files of tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "gptcore/extension.h"
#include "gptcore/host.h"
#include "gptcore/port.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct PreparationRequest {
  std::string folder;              // to make; it may hold an interrupted preparation of the same sources
  std::string format = "gptcore";  // gptcore | nanogpt | llmc | npy
  int64_t tokens_per_shard = 100'000'000;
  int64_t threads = 0;             // 0 = all that the process may use
  Tokenizer* tokenizer = nullptr;  // open; ready() may still be false
  Host* host = nullptr;
  std::function<bool()> cancelled;
  bool verify = false;  // compare the hashes of a complete folder too, not only its sizes
};

// May be called before or after Dataset::open(). A folder is complete when it holds manifest.json, which is written last.
// prepare() replaces damaged files of a complete folder.
class Preparation {
 public:
  static constexpr std::string_view kId = "gptcore.preparation/1";
  // Sets `done` to false and succeeds when `cancelled` returned true.
  virtual Status prepare(const PreparationRequest& request, bool& done) noexcept = 0;

 protected:
  ~Preparation() = default;
};

}  // namespace gptcore
