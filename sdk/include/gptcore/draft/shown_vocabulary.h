// Draft: an extension of datasets whose batches number tokens differently than the tokenizer does.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gptcore/extension.h"

namespace gptcore {

// Available once the dataset is open. The numbering changes between two batches, with the dataset's controls and with load();
// Dataset::vocab_size() changes with it.
class ShownVocabulary {
 public:
  static constexpr std::string_view kId = "gptcore.shown_vocabulary/1";
  // Returns the tokenizer's id of each number, or nothing when batches hold the tokenizer's own ids. Valid until the next
  // change.
  virtual std::span<const int32_t> shown_ids() const noexcept = 0;
  // Returns the number that stands for every id that shown_ids() does not list.
  virtual int32_t rare_number() const noexcept = 0;
  // Returns the size of the vocabulary when batches hold the tokenizer's own ids.
  virtual int64_t whole_size() const noexcept = 0;

 protected:
  ~ShownVocabulary() = default;
};

}  // namespace gptcore
