#include "core/pipeline/source_tokens.h"

#include "core/interchange/token_texts.h"
#include "gptcore/draft/scored_pieces.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

// A tokenizer of these pieces, which decodes a single one without the space before it, as SentencePiece does.
class Pieces : public Tokenizer, ScoredPieces {
 public:
  Pieces(std::vector<std::string> texts, bool tells) : texts_(std::move(texts)), tells_(tells) {}
  int64_t vocab_size() const override { return static_cast<int64_t>(texts_.size()); }
  std::vector<int32_t> encode(std::string_view) const override { return {}; }
  std::string decode(std::span<const int32_t> ids) const override {
    const std::string text = texts_.at(static_cast<size_t>(ids[0]));
    return text.starts_with("_") ? text.substr(1) : text;
  }
  std::string save() const override {
    std::string all;
    for (const std::string& text : texts_) all += text + "\n";
    return all;
  }
  void* extension(std::string_view id) override { return tells_ ? extension_as<ScoredPieces>(this, id) : nullptr; }
  Status scored_pieces(PieceModel& out) noexcept override {
    for (const std::string& text : texts_) out.pieces.push_back({text});
    return {};
  }

 private:
  std::vector<std::string> texts_;
  bool tells_;
};

std::vector<int64_t> ids(const std::vector<std::string>& there, const std::vector<std::string>& here, bool tell) {
  Pieces theirs(there, tell), ours(here, tell);
  return matching_ids(token_texts(theirs), token_texts(ours));
}

}  // namespace

TEST_CASE("a piece with a space before it is another one than the piece without", "[init_from]") {
  CHECK(ids({"<unk>", "ha", "_ha", "x"}, {"<unk>", "_ha", "x", "ha"}, true) == std::vector<int64_t>{0, 3, 1, 2});
}

TEST_CASE("a text of several tokens stands for them only where both tokenizers have it by the same ids", "[init_from]") {
  CHECK(ids({"<unk>", "ha", "_ha", "x"}, {"<unk>", "_ha", "x", "ha"}, false) == std::vector<int64_t>{0, -1, -1, 2});
  CHECK(ids({"a", "ha", "_ha", "b"}, {"b", "ha", "_ha", "a"}, false) == std::vector<int64_t>{3, 1, 2, 0});
  CHECK(ids({"a", "ha"}, {"_ha", "ha", "a"}, false) == std::vector<int64_t>{2, -1});
}

TEST_CASE("the hash of a run's tokens differs with the tokenizer and with the ids that the data shows") {
  const Pieces a({"x", "y"}, false), b({"y", "x"}, false);
  CHECK(tokens_hash(nullptr, {}).empty());
  CHECK(tokens_hash(&a, {}) == tokens_hash(&a, {}));
  CHECK(tokens_hash(&a, {}) != tokens_hash(&b, {}));
  CHECK(tokens_hash(&a, {1}) != tokens_hash(&a, {}));
  CHECK(tokens_hash(&a, {1}) != tokens_hash(&a, {0}));
  CHECK_FALSE(tokens_hash(nullptr, {1}).empty());
}
