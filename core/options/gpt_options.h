// The keys of [model] with use = "gpt". No LibTorch here: the thin program checks them too.
#pragma once

#include <cstdint>
#include <string>

#include "gptcore/schema.h"

namespace gptcore {

// The defaults are those of GPT-2 (Radford et al. 2019), the names nanoGPT's.
struct GptOptions {
  std::string preset;     // gpt2 | gpt2-medium | ...; fills n_layer, n_head, n_embd, block_size, vocab_size, bias, gelu
  std::string init_from;  // hf:DIR or ckpt:PATH; its model fixes those keys, and a new run starts from its weights
  int64_t n_layer = 12;
  int64_t n_head = 12;
  int64_t n_embd = 768;
  int64_t n_hidden = 0;        // width of the MLPs; 0 = 4 n_embd
  int64_t block_size = 1024;   // T, the longest context
  int64_t vocab_size = 0;      // 0 = that of the tokenizer or dataset
  int64_t vocab_multiple = 1;  // rows of the embedding are padded to a multiple of this; logits beyond V stay masked
  double dropout = 0;
  bool bias = true;
  bool tie_word_embeddings = true;  // the head is the embedding; false: a parameter of its own, lm_head.weight
  bool rotary = false;              // rotary positions (Su et al. 2021) in place of learned ones
  double rotary_base = 10000;
  std::string gelu = "erf";  // erf | tanh (GPT-2's own weights)

  static void schema(Schema<GptOptions>& s);
};

// Returns a preset's values for keys that the pipeline file does not give; empty for an unknown name.
Table gpt_preset(const std::string& name);

}  // namespace gptcore
