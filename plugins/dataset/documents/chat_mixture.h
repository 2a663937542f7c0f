// Conversations of several shapes, one JSON object per line, with chat tokens around each turn. Only the assistant's words and
// the token that ends them are predicted.
#pragma once

#include <array>
#include <nlohmann/json.hpp>

#include "corpus_dataset.h"

namespace gptcore::datasets {

class ChatMixture : public CorpusDataset {
 public:
  ChatMixture();
  static void schema(Schema<ChatMixture>& s);

 protected:
  void use(const Tokenizer& tokenizer) override;
  Document parse(std::string_view line) const override;
  bool has_context() const override { return true; }
  std::string options() const override;
  const char* name() const override { return "chat_mixture"; }

 private:
  enum Mark { bos, user_start, user_end, assistant_start, assistant_end, kMarks };
  void add_turn(Document& out, bool assistant, std::string text) const;
  Document messages(const nlohmann::json& record) const;
  Document choices(const nlohmann::json& record) const;
  Document question(const nlohmann::json& record) const;

  std::array<std::string, kMarks> names_;
  std::array<int32_t, kMarks> ids_{};
};

}  // namespace gptcore::datasets
