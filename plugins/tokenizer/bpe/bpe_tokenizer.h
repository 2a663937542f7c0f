// The common part of tokenizers over a byte-level BPE vocabulary: parameters of special tokens, encoding, saving.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bpe/encoder.h"
#include "bpe/special_text.h"
#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/plugin.h"

namespace gptcore::bpe {

class BpeTokenizer : public Tokenizer, TokenizerJson {
 public:
  // T derives from this class; its own parameters come before or after these.
  template <class T> static void common_parameters(Schema<T>& s) {
    s.param("special_tokens", own<T>(&BpeTokenizer::special_tokens_), "texts that get ids of their own, after all others");
    s.param("chat_tokens", own<T>(&BpeTokenizer::chat_tokens_),
            "also <|bos|>, <|user_start|>, <|user_end|>, <|assistant_start|> and <|assistant_end|>, before special_tokens");
    s.param("allowed_special", own<T>(&BpeTokenizer::allowed_special_),
            "special tokens whose texts become their ids when a text is encoded: \"none\", \"all\" or a list");
    s.param("forbidden_special", own<T>(&BpeTokenizer::forbidden_special_),
            "special tokens, beside the allowed ones, whose texts are an error: \"none\", \"all\" or a list");
    s.param("invalid_utf8", own<T>(&BpeTokenizer::invalid_utf8_), "what is done with bytes that are not UTF-8")
        .choice("tiktoken", "as tiktoken: all that follows the first of them is one piece")
        .choice("split", "a run of them is one piece")
        .choice("refuse", "an error that names their place");
    s.check(check_common<T>);
  }

  std::string save() const override;
  void load(std::string_view saved) override;
  int64_t vocab_size() const override { return static_cast<int64_t>(encoder().vocabulary().tokens.size()); }
  std::vector<int32_t> encode(std::string_view text) const override;
  std::string decode(std::span<const int32_t> ids) const override { return encoder().decode(ids); }
  std::optional<int32_t> special(std::string_view name) const override;
  void* extension(std::string_view id) override;
  Status tokenizer_json(std::string& out) noexcept override;

 protected:
  BpeTokenizer() = default;
  BpeTokenizer(BpeTokenizer&&) noexcept = default;

  // Returns the texts of chat_tokens and special_tokens.
  std::vector<std::string> asked_specials() const;
  void set(Vocabulary vocabulary) const;
  bool is_set() const { return state_->encoder.load(std::memory_order_acquire) != nullptr; }
  // Called once, when the vocabulary is first needed and neither set() nor load() gave one.
  virtual Vocabulary first_vocabulary() const = 0;

 private:
  struct State {
    std::mutex making;
    std::unique_ptr<const Encoder> owner;
    std::atomic<const Encoder*> encoder = nullptr;
  };

  template <class T, class M> static M T::*own(M BpeTokenizer::*member) { return member; }
  template <class T> static void check_common(const T& t, Problems& found) { t.find_problems(found); }
  void find_problems(Problems& found) const;
  const Encoder& encoder() const;

  std::vector<std::string> special_tokens_;
  bool chat_tokens_ = false;
  Value allowed_special_ = "none", forbidden_special_ = "none";
  std::string invalid_utf8_ = "tiktoken";
  std::unique_ptr<State> state_ = std::make_unique<State>();
};

}  // namespace gptcore::bpe
