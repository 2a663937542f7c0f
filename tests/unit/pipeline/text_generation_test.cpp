#include "core/pipeline/text_generation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "core/model/gpt.h"
#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

// Token i is byte i, so that characters take several tokens.
struct Bytes final : Tokenizer {
  int64_t vocab_size() const override { return 256; }
  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    for (const int32_t id : ids) text += static_cast<char>(id);
    return text;
  }
};

// Repeats what a table says: each byte is followed by a certain other one.
struct Chain final : Model {
  void open(const ModelContext&) override {}
  void place(at::Device, at::ScalarType) override {}
  std::vector<Parameter> parameters() override { return {}; }
  int64_t block_size() const override { return 8; }
  int64_t vocab_size() const override { return 256; }
  at::Tensor logits(const at::Tensor& ids) override {
    at::Tensor out = at::zeros({ids.size(0), ids.size(1), 256});
    for (int64_t b = 0; b < ids.size(0); ++b)
      for (int64_t t = 0; t < ids.size(1); ++t) {
        const auto from = static_cast<char>(ids[b][t].item<int64_t>());
        const size_t at = cycle.find(from);
        out[b][t][static_cast<unsigned char>(cycle[at == std::string::npos ? 0 : (at + 1) % cycle.size()])] = 9;
      }
    return out;
  }
  at::Tensor loss(const at::Tensor&, const at::Tensor&) override { return {}; }
  void train(bool) override {}
  double flops_per_token() const override { return 0; }
  std::string cycle = "abcdefgh";
};

struct Heard {
  std::vector<std::string> pieces;  // "index:piece"
  std::vector<GeneratedText> texts;
};

Heard hear(Chain& model, TextRequest request) {
  request.sampling.temperature = 0;
  Heard heard;
  generate_texts(model, at::kCPU, Bytes(), request,
                 {[&](size_t index, std::string_view piece) {
                    heard.pieces.push_back(std::to_string(index) + ":" + std::string(piece));
                    return true;
                  },
                  [&](size_t, const GeneratedText& text) { heard.texts.push_back(text); }});
  return heard;
}

TextRequest of(std::vector<std::string> prompts, int64_t tokens, std::vector<std::string> stop = {}) {
  TextRequest r;
  r.prompts = std::move(prompts);
  r.max_new_tokens = tokens;
  r.stop = std::move(stop);
  return r;
}

}  // namespace

TEST_CASE("texts come in order, all of one before the next, however they are computed") {
  Chain model;
  TextRequest request = of({"a", "e"}, 5);
  request.num_samples = 2;
  const Heard heard = hear(model, request);
  REQUIRE(heard.texts.size() == 4);
  CHECK(heard.texts[0].text == "bcdef");
  CHECK(heard.texts[3].text == "fghab");
  CHECK(heard.texts[3].prompt == 1);
  CHECK(heard.texts[3].sample == 1);
  CHECK_FALSE(heard.texts[0].stopped);
  std::string order;
  for (const std::string& piece : heard.pieces)
    if (order.empty() || order.back() != piece[0]) order += piece[0];
  CHECK(order == "0123");
  CHECK(heard.pieces.front() == "0:b");
}

TEST_CASE("a text ends before the first stop string and shows no part of it") {
  Chain model;
  const Heard heard = hear(model, of({"a"}, 50, {"fgh", "efg", "x"}));
  REQUIRE(heard.texts.size() == 1);
  CHECK(heard.texts[0].text == "bcd");
  CHECK(heard.texts[0].stopped);
  CHECK(heard.texts[0].tokens.size() == 6);  // bcdefg
  std::string shown;
  for (const std::string& piece : heard.pieces) shown += piece.substr(2);
  CHECK(shown == "bcd");
}

TEST_CASE("what only began like a stop string is shown when it turns out to be none") {
  Chain model;
  const Heard heard = hear(model, of({"a"}, 4, {"efx", ""}));
  CHECK(heard.texts[0].text == "bcde");
  CHECK(heard.pieces.back() == "0:e");
}

TEST_CASE("characters of several tokens come whole, broken ones as U+FFFD") {
  Chain model;
  model.cycle = "a\xe2\x82\xac";  // a and the euro sign
  const Heard whole = hear(model, of({"a"}, 4));
  CHECK(whole.pieces.front() == "0:\xe2\x82\xac");
  CHECK(whole.texts[0].text ==
        "\xe2\x82\xac"
        "a");
  CHECK(hear(model, of({"a"}, 2)).texts[0].text == "\xef\xbf\xbd");
}

// Like SentencePiece: a token is a word, whose space is left out at the beginning of a text; <s> has no text.
struct Words final : Tokenizer {
  int64_t vocab_size() const override { return 3; }
  std::vector<int32_t> encode(std::string_view text) const override {
    return text == "\n" ? std::vector<int32_t>() : std::vector<int32_t>{1};
  }
  std::string decode(std::span<const int32_t> ids) const override {
    const char* const words[] = {"", "the", "end"};
    std::string text;
    for (const int32_t id : ids)
      if (id > 0) text += (text.empty() ? "" : " ") + std::string(words[id]);
    return text;
  }
  std::optional<int32_t> special(std::string_view name) const override {
    return name == "<s>" ? std::optional<int32_t>(0) : std::nullopt;
  }
};

GeneratedText words_after(const std::string& prompt, std::vector<std::string> stop = {}) {
  Chain model;
  model.cycle = "\x01";
  GeneratedText out;
  TextRequest request = of({prompt}, 4, std::move(stop));
  request.sampling.temperature = 0;
  generate_texts(model, at::kCPU, Words(), request, {{}, [&](size_t, const GeneratedText& text) { out = text; }});
  return out;
}

TEST_CASE("words keep the spaces between them, and a stop string may have one") {
  CHECK(words_after("the").text == " the the the the");
  CHECK(words_after("the", {"e t"}).text == " th");
  CHECK(words_after("the", {"e t"}).stopped);
}

TEST_CASE("a prompt that the vocabulary has no token for starts with the beginning of a text") {
  CHECK(words_after("\n").text == "the the the the");
}

TEST_CASE("ids that the tokenizer does not have are in no text") {
  Chain model;
  model.cycle = std::string("\x01\x63", 2);
  TextRequest request = of({"the"}, 200);
  request.num_samples = 2;
  request.sampling.temperature = 50;
  request.sampling.top_k = 0;
  size_t texts = 0;
  generate_texts(model, at::kCPU, Words(), request, {{}, [&](size_t, const GeneratedText& text) {
                                                       ++texts;
                                                       for (const NextToken& t : text.tokens) CHECK(t.token < 3);
                                                     }});
  CHECK(texts == 2);
}

TEST_CASE("a prompt without tokens is refused, and a listener that says so ends everything") {
  Chain model;
  CHECK_THROWS_WITH(hear(model, of({"a", ""}, 3)), Catch::Contains("the prompt \"\" has no token"));
  int pieces = 0, done = 0;
  generate_texts(model, at::kCPU, Bytes(), of({"a", "b"}, 9),
                 {[&](size_t, std::string_view) { return ++pieces < 3; }, [&](size_t, const GeneratedText&) { ++done; }});
  CHECK(pieces == 3);
  CHECK(done == 0);
}
