// Gives a tokenizer the numbers by which a dataset shows its tokens, so that a number means the same in texts and in the model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/model/vocabulary.h"
#include "gptcore/dataset.h"
#include "gptcore/draft/shown_vocabulary.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

// Returns that extension of the dataset, or null when it always shows the tokenizer's ids. `dataset` may be null.
ShownVocabulary* shown_vocabulary(Dataset* dataset);

// The content of kVocabularyFile: {"rare_number": 0, "ids": [...]}.
struct StoredVocabulary {
  std::vector<int32_t> ids;  // the tokenizer's id of each number that is shown; all are different
  int32_t rare_number = 0;
};
std::string format_vocabulary(const ShownVocabulary& shown);
// Throws Error(checkpoint_corrupt) at `where` when the text is invalid.
StoredVocabulary parse_vocabulary(const std::string& text, const std::string& where);

class ShownTokenizer final : public Tokenizer {
 public:
  // `shown` outlives every use of this object.
  ShownTokenizer(std::unique_ptr<Tokenizer> inner, const ShownVocabulary& shown);
  // Uses the numbers of a vocabulary.json. Throws Error(conflict) at `where` when the tokenizer lacks one of its ids.
  ShownTokenizer(std::unique_ptr<Tokenizer> inner, StoredVocabulary vocabulary, const std::string& where);
  ~ShownTokenizer() override;

  // Returns the tokenizer with its own ids. Do not use this object afterwards.
  std::unique_ptr<Tokenizer> release() { return std::move(inner_); }
  // Returns the same tokenizer, which this object keeps.
  Tokenizer& whole() { return *inner_; }

  bool ready() const override { return inner_->ready(); }
  void learn(std::string_view corpus) override { inner_->learn(corpus); }
  std::string save() const override { return inner_->save(); }
  void load(std::string_view saved) override { inner_->load(saved); }
  int64_t vocab_size() const override;
  std::vector<int32_t> encode(std::string_view text) const override;
  std::string decode(std::span<const int32_t> ids) const override;
  // Returns nullopt for a special token that is not shown.
  std::optional<int32_t> special(std::string_view name) const override;
  // Returns null while other numbers are shown, because files that describe the tokenizer would not fit the model.
  void* extension(std::string_view id) override;

 private:
  class Stored;
  int32_t number_of(int32_t id) const;

  std::unique_ptr<Tokenizer> inner_;
  std::unique_ptr<Stored> stored_;
  const ShownVocabulary& shown_;
};

}  // namespace gptcore
