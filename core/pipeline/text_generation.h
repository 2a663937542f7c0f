// Generates texts with a model: takes prompts and gives whole UTF-8 characters, up to a stop string.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/generate.h"
#include "core/options/sample_options.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

struct TextRequest {
  std::vector<std::string> prompts;
  int64_t num_samples = 1;  // of each prompt
  int64_t max_new_tokens = 500;
  Sampling sampling;
  std::vector<std::string> stop;  // a text ends before the first of these
};

// Returns the request for texts after these prompts, which stand for the options' own.
TextRequest text_request(const SampleOptions& options, std::vector<std::string> prompts, uint64_t seed);

struct GeneratedText {
  size_t prompt = 0;   // index of the prompt
  int64_t sample = 0;  // index of the sample of that prompt
  std::string text;    // without the prompt and the stop string
  std::vector<NextToken> tokens;
  bool stopped = false;  // by a stop string, else by max_new_tokens or by TextEvents::piece
};

struct TextEvents {
  // Receives more of text `index`. Texts come in the order of prompts and samples, all of one before the next. Returning false
  // ends everything.
  std::function<bool(size_t index, std::string_view piece)> piece;
  std::function<void(size_t index, const GeneratedText& text)> done;  // called after the text's last piece
};

// Returns the tokens of a prompt, or the tokenizer's <|bos|>, <|endoftext|> or <s> when the prompt has none. Throws
// Error(usage) when the tokenizer lacks these, too, and what encode() throws.
std::vector<int32_t> prompt_ids(const Tokenizer& tokenizer, const std::string& prompt);

// Generates the texts. A text is the decoding of all its tokens together; only tokens that the tokenizer has are drawn. Throws
// what prompt_ids(), the tokenizer and choose() throw.
void generate_texts(Model& model, at::Device device, const Tokenizer& tokenizer, const TextRequest& request,
                    const TextEvents& events);

}  // namespace gptcore
