// A tokenizer turns text into token ids and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gptcore/host.h"

namespace gptcore {

// The program sets the parameters, calls open(), then learn() or load() if ready() is false, and then the other methods on
// [any thread].
class Tokenizer {
 public:
  virtual ~Tokenizer();
  virtual void open(Host&) {}
  // Returns false while the vocabulary must still be learned from the corpus or loaded from a checkpoint.
  virtual bool ready() const { return true; }
  // Builds the vocabulary from the whole corpus. Called at most once, before anything is encoded.
  virtual void learn(std::string_view corpus) { static_cast<void>(corpus); }
  // Returns everything that encoding and decoding need without the corpus, as any bytes; checkpoints store it.
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }

  virtual int64_t vocab_size() const = 0;
  // Throws Error(unknown_character), which names the character and its byte offset, when a character cannot be encoded.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // Ids must be below vocab_size(). The bytes of one character may come from several ids.
  virtual std::string decode(std::span<const int32_t> ids) const = 0;
  // Returns the id of a special token such as "<|endoftext|>", if the vocabulary has it.
  virtual std::optional<int32_t> special(std::string_view name) const {
    static_cast<void>(name);
    return std::nullopt;
  }
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
