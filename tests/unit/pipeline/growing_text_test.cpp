#include "core/pipeline/growing_text.h"

#include <rapidcheck.h>
#include <cstdlib>
#include <filesystem>

#include "core/pipeline/utf8_stream.h"
#include "core/plugin/loader.h"
#include "gptcore/utf8.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

using Ids = std::vector<int32_t>;

// As SentencePiece: ids below 256 are bytes, of which broken characters become U+FFFD one by one, 256 is invisible, and the
// others are pieces, whose spaces are left out at the beginning of a text.
struct Pieces final : Tokenizer {
  const std::vector<std::string> pieces = {" ", " the", " a", "b", "  ", "\xe2\x82\xac", "c d"};
  int64_t vocab_size() const override { return 257 + static_cast<int64_t>(pieces.size()); }
  std::vector<int32_t> encode(std::string_view) const override { return {}; }
  std::string decode(std::span<const int32_t> ids) const override {
    decoded += ids.size();
    std::string text, bytes;
    const auto flush = [&] {
      for (size_t at = 0; at < bytes.size();) {
        const size_t begin = at;
        if (next_code_point(bytes, at) >= 0)
          text.append(bytes, begin, at - begin);
        else
          text += "\xef\xbf\xbd", at = begin + 1;
      }
      bytes.clear();
    };
    for (const int32_t id : ids) {
      if (id < 256) {
        bytes += static_cast<char>(id);
        continue;
      }
      flush();
      if (id == 256) continue;
      std::string piece = pieces[static_cast<size_t>(id - 257)];
      if (text.empty()) piece.erase(0, std::min(piece.size(), piece.find_first_not_of(' ')));
      text += piece;
    }
    flush();
    return text;
  }
  mutable size_t decoded = 0;
};

// The pieces of text that come for `ids` behind `before`.
std::vector<std::string> pieces_of(const Tokenizer& tokenizer, const Ids& before, const Ids& ids) {
  GrowingText text(tokenizer, before);
  std::vector<std::string> out;
  for (const int32_t id : ids) out.push_back(text.add(id));
  out.push_back(text.end());
  return out;
}

std::string joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  return all;
}

Ids both(Ids a, const Ids& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("a token's text is what it adds to the whole's") {
  const Pieces tokenizer;
  CHECK(pieces_of(tokenizer, {}, {258, 258, 260}) == std::vector<std::string>{"the", " the", "b", ""});
  CHECK(pieces_of(tokenizer, {258}, {258, 257, 259}) == std::vector<std::string>{" the", " ", " a", ""});
  CHECK(pieces_of(tokenizer, {256}, {258}) == std::vector<std::string>{"the", ""});
}

TEST_CASE("a character comes with the last of its tokens, and broken ones when nothing more can mend them") {
  const Pieces tokenizer;
  CHECK(pieces_of(tokenizer, {}, {260, 0xe2, 0x82, 0xac, 260}) ==
        std::vector<std::string>{"b", "", "", "\xe2\x82\xac", "b", ""});
  CHECK(pieces_of(tokenizer, {}, {0xe2, 0x82}) == std::vector<std::string>{"", "", "\xef\xbf\xbd\xef\xbf\xbd"});
  CHECK(pieces_of(tokenizer, {}, {0xff, 260}) == std::vector<std::string>{"",
                                                                          "\xef\xbf\xbd"
                                                                          "b",
                                                                          ""});
}

TEST_CASE("any tokens give the text that the tokenizer makes of the whole") {
  CHECK(rc::check([] {
    const Pieces tokenizer;
    const auto id = rc::gen::weightedOneOf<int32_t>(
        {{5, rc::gen::inRange<int32_t>(256, 264)}, {1, rc::gen::element<int32_t>(0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 'x')}});
    const auto sizes = *rc::gen::pair(rc::gen::inRange(0, 80), rc::gen::inRange(0, 120));
    Ids before = *rc::gen::container<Ids>(static_cast<size_t>(sizes.first), id);
    const Ids ids = *rc::gen::container<Ids>(static_cast<size_t>(sizes.second), id);
    before.push_back(260);  // ends with whole characters
    const std::string known = tokenizer.decode(before);
    RC_ASSERT(known + joined(pieces_of(tokenizer, before, ids)) == tokenizer.decode(both(before, ids)));
  }));
}

TEST_CASE("a long text takes work by its length, not by its square") {
  const Pieces tokenizer;
  const Ids ids(4000, 258);
  CHECK(joined(pieces_of(tokenizer, ids, ids)).size() == 4 * ids.size());
  CHECK(tokenizer.decoded < 64 * ids.size());
}

TEST_CASE("SentencePiece's own decoding comes out, piece by piece") {
  const char* const source = std::getenv("GPTCORE_SOURCE");
  const std::string model = std::string(source ? source : ".") + "/../shared/faults/sp_bpe.model";
  if (!std::filesystem::exists(model) || !std::filesystem::exists(PLUGINS "/sentencepiece.so")) {
    WARN("skipped: there is no " << model << ", or no plugin sentencepiece");
    return;
  }
  PluginSet plugins;
  plugins.load(PLUGINS "/sentencepiece.so");
  const auto tokenizer = plugins.tokenizer("sentencepiece", {{"model", model}});
  const std::string text =
      "The water is cold, and 3 \xe2\x82\xac buy \xf0\x9f\x98\x80 nothing; \xe4\xbd\xa0\xe5\xa5\xbd, said he. ";
  std::string long_text;
  for (int i = 0; i < 20; ++i) long_text += text;
  const Ids ids = tokenizer->encode(long_text);
  Utf8Stream characters;
  std::string streamed;
  for (const std::string& piece : pieces_of(*tokenizer, {}, ids)) streamed += characters.add(piece);
  CHECK(streamed == tokenizer->decode(ids));
  CHECK(streamed.find("The water is cold, and") != std::string::npos);
  const Ids before = tokenizer->encode("The water");
  CHECK(joined(pieces_of(*tokenizer, before, tokenizer->encode("is cold"))) == " is cold");
}
