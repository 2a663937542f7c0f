// A tokenizer by the numbers that a dataset shows its tokens by, so that texts and the model mean the same by a number.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/model/vocabulary.h"
#include "gptcore/dataset.h"
#include "gptcore/draft/shown_vocabulary.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

// What the dataset has of that extension; null when it shows the tokenizer's ids always. The dataset may be null.
ShownVocabulary* shown_vocabulary(Dataset* dataset);

// What kVocabularyFile holds: {"rare_number": 0, "ids": [...]}.
struct StoredVocabulary {
  std::vector<int32_t> ids;  // of the tokenizer, by the number that is shown; no two alike
  int32_t rare_number = 0;
};
std::string format_vocabulary(const ShownVocabulary& shown);
// Throws Error(checkpoint_corrupt) at `where` when the text is none.
StoredVocabulary parse_vocabulary(const std::string& text, const std::string& where);

class ShownTokenizer final : public Tokenizer {
 public:
  // `shown` outlives every use of this.
  ShownTokenizer(std::unique_ptr<Tokenizer> inner, const ShownVocabulary& shown);
  // With the numbers of a vocabulary.json. Throws Error(conflict) at `where` when the tokenizer lacks one of its ids.
  ShownTokenizer(std::unique_ptr<Tokenizer> inner, StoredVocabulary vocabulary, const std::string& where);
  ~ShownTokenizer() override;

  // The tokenizer with its own ids; this is of no use afterwards.
  std::unique_ptr<Tokenizer> release() { return std::move(inner_); }
  // The same, for a look at it.
  Tokenizer& whole() { return *inner_; }

  bool ready() const override { return inner_->ready(); }
  void learn(std::string_view corpus) override { inner_->learn(corpus); }
  std::string save() const override { return inner_->save(); }
  void load(std::string_view saved) override { inner_->load(saved); }
  int64_t vocab_size() const override;
  std::vector<int32_t> encode(std::string_view text) const override;
  std::string decode(std::span<const int32_t> ids) const override;
  // A special token that is not among those shown is none.
  std::optional<int32_t> special(std::string_view name) const override;
  // None while other numbers are shown: what files say of the tokenizer would not fit the model.
  void* extension(std::string_view id) override;

 private:
  class Stored;
  int32_t number_of(int32_t id) const;

  std::unique_ptr<Tokenizer> inner_;
  std::unique_ptr<Stored> stored_;
  const ShownVocabulary& shown_;
};

}  // namespace gptcore
