// Texts from a model: prompts in, whole UTF-8 characters out, ended by stop strings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/generate.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct TextRequest {
  std::vector<std::string> prompts;
  int64_t num_samples = 1;  // of each
  int64_t max_new_tokens = 500;
  Sampling sampling;
  std::vector<std::string> stop;  // a text ends before the first of these
};

struct GeneratedText {
  size_t prompt = 0;   // index
  int64_t sample = 0;  // of that prompt
  std::string text;    // without the prompt and what stopped it
  std::vector<NextToken> tokens;
  bool stopped = false;  // by a stop string, else by max_new_tokens or `more`
};

struct TextEvents {
  // More of text `index`, in the order of the prompts and samples: all of one before the next. False ends everything.
  std::function<bool(size_t index, std::string_view piece)> piece;
  std::function<void(size_t index, const GeneratedText& text)> done;  // after its last piece
};

// The tokens of a prompt; where it has none, the tokenizer's <|bos|>, <|endoftext|> or <s>. Throws Error(usage) where there is
// none of these, and what encode() throws.
std::vector<int32_t> prompt_ids(const Tokenizer& tokenizer, const std::string& prompt);

// Texts are what the tokenizer makes of all their tokens together, and hold none that it does not have. Throws what
// prompt_ids(), the tokenizer and choose() throw.
void generate_texts(Model& model, at::Device device, const Tokenizer& tokenizer, const TextRequest& request,
                    const TextEvents& events);

}  // namespace gptcore
