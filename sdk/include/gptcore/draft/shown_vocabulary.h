// Draft: for a dataset that shows tokens by other numbers than the tokenizer has for them.
#pragma once

#include <cstdint>
#include <span>

namespace gptcore {

// Dataset::extension("gptcore.shown_vocabulary/1"), once the dataset is open. What is shown changes with the dataset's controls
// and with load(), between two batches; Dataset::vocab_size() follows it.
class ShownVocabulary {
 public:
  // The tokenizer's id of each number that is shown; empty when the tokenizer's own ids are. Valid until the next change.
  virtual std::span<const int32_t> shown_ids() const noexcept = 0;
  // The number that ids have which are none of these.
  virtual int32_t rare_number() const noexcept = 0;
  // The vocabulary's size when the tokenizer's own ids are shown.
  virtual int64_t whole_size() const noexcept = 0;

 protected:
  ~ShownVocabulary() = default;
};

}  // namespace gptcore
