// One JSON object per line, with the document's text in one of its fields.
#pragma once

#include "corpus_dataset.h"

namespace gptcore::datasets {

class Jsonl final : public CorpusDataset {
 public:
  static void schema(Schema<Jsonl>& s);

 protected:
  Document parse(std::string_view line) const override;
  std::string options() const override { return "text of '" + text_field_ + "'"; }
  const char* name() const override { return "jsonl"; }

 private:
  std::string text_field_ = "text";
};

}  // namespace gptcore::datasets
