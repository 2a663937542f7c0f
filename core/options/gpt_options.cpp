#include "core/options/gpt_options.h"

namespace gptcore {

void GptOptions::schema(Schema<GptOptions>& s) {
  s.param("preset", &GptOptions::preset, "a known size; its values fill the keys that are not given")
      .choice("gpt2", "12 layers, 12 heads, 768 wide: 124 M parameters")
      .choice("gpt2-medium", "24, 16, 1024: 350 M")
      .choice("gpt2-large", "36, 20, 1280: 774 M")
      .choice("gpt2-xl", "48, 25, 1600: 1558 M")
      .choice("gpt2-xs", "10, 8, 512: 58 M")
      .choice("gpt2-xxs", "4, 4, 64: 3 M")
      .cosmetic();
  s.param("init_from", &GptOptions::init_from,
          "a model whose sizes this one has and whose weights a new run starts from: hf:DIR or ckpt:PATH")
      .path()
      .cosmetic();
  s.param("n_layer", &GptOptions::n_layer, "number of blocks").range(1, 10000);
  s.param("n_head", &GptOptions::n_head, "attention heads per block; must divide n_embd").range(1, 10000);
  s.param("n_embd", &GptOptions::n_embd, "width of the residual stream").range(1, 1 << 20);
  s.param("n_hidden", &GptOptions::n_hidden, "hidden units of each MLP; 0 = 4 n_embd").range(0, 1 << 24);
  s.param("block_size", &GptOptions::block_size, "longest context").range(1, 1 << 24).unit("tokens");
  s.param("vocab_size", &GptOptions::vocab_size, "number of token ids; 0 = what the tokenizer or dataset has")
      .range(0, 1 << 28);
  s.param("vocab_multiple", &GptOptions::vocab_multiple, "embedding rows are padded to a multiple of this").range(1, 1 << 16);
  s.param("dropout", &GptOptions::dropout, "probability of dropping an activation while training").at_least(0).below(1);
  s.param("bias", &GptOptions::bias, "biases in linears and LayerNorms");
  s.param("tie_word_embeddings", &GptOptions::tie_word_embeddings,
          "the head is the embedding; false: it has a weight of its own, lm_head");
  s.param("rotary", &GptOptions::rotary, "rotary positions in place of learned ones");
  s.param("rotary_base", &GptOptions::rotary_base, "base of the rotary wavelengths").above(0);
  s.param("gelu", &GptOptions::gelu, "form of the activation")
      .choice("erf", "exact, as nanoGPT")
      .choice("tanh", "approximate, as GPT-2's own weights");

  s.check([](const GptOptions& o, Problems& found) {
    if (o.n_embd % o.n_head != 0)
      found.push_back({"n_embd",
                       "n_embd = " + std::to_string(o.n_embd) + " is not divisible by n_head = " + std::to_string(o.n_head),
                       "make n_embd a multiple of n_head"});
    else if (o.rotary && o.n_embd / o.n_head % 2 != 0)
      found.push_back({"rotary", "rotary positions need an even head size, got " + std::to_string(o.n_embd / o.n_head),
                       "change n_embd or n_head"});
  });
}

namespace {

struct Size {
  const char* preset;
  int64_t n_layer, n_head, n_embd;
};

// Sizes of Radford et al. 2019, and two small ones of the nano-gpt library. Its gpt2-xs has 10 heads at width 512, and 10 does
// not divide 512; 8 heads keep its parameter count, since the number of heads changes no shape.
constexpr Size kSizes[] = {{"gpt2", 12, 12, 768},     {"gpt2-medium", 24, 16, 1024}, {"gpt2-large", 36, 20, 1280},
                           {"gpt2-xl", 48, 25, 1600}, {"gpt2-xs", 10, 8, 512},       {"gpt2-xxs", 4, 4, 64}};

}  // namespace

Table gpt_preset(const std::string& name) {
  for (const Size& size : kSizes)
    if (name == size.preset)
      return {{"n_layer", size.n_layer},
              {"n_head", size.n_head},
              {"n_embd", size.n_embd},
              {"block_size", int64_t{1024}},
              {"bias", true},
              {"vocab_size", int64_t{50257}},
              {"gelu", "tanh"}};
  return {};
}

}  // namespace gptcore
