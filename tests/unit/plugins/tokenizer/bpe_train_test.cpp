#include <rapidcheck.h>

#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::test;
using Catch::Matchers::Contains;

namespace {

std::unique_ptr<Tokenizer> learned(const std::string& corpus, const Table& values, Host& host) {
  auto t = opened("bpe_train", values, host);
  t->learn(corpus);
  return t;
}

std::vector<std::string> merges_of(const Tokenizer& t) {
  return nlohmann::json::parse(t.save()).at("model").at("merges").get<std::vector<std::string>>();
}

// Words of a small alphabet, several megabytes, so that there are several chunks.
std::string large_corpus() {
  std::string text;
  uint64_t state = 1;
  while (text.size() < 5'000'000) {
    state = state * 6364136223846793005 + 1442695040888963407;
    const uint64_t word = (state >> 33) % 5000;
    text += ' ';
    for (uint64_t rest = word * word + 7; rest > 0; rest /= 11) text += static_cast<char>('a' + rest % 11);
  }
  return text;
}

}  // namespace

TEST_CASE("the most frequent pair is merged first, of equal ones that with the smaller ids") {
  QuietHost host;
  // Pairs: "lo" 3 (low, low, lot), "ow" 2, "ot" 1; then "low" 2. Ids: 0 is '!', so 'l' comes before 'o'.
  const auto t = learned("low\nlow\nlot", {{"vocab_size", 259}}, host);
  CHECK(merges_of(*t) == std::vector<std::string>{"l o", "lo w"});
  CHECK(t->vocab_size() == 259);
  CHECK(t->special("<|endoftext|>") == 258);
  CHECK(t->encode("lowlo") == Ids{257, 256});

  // "ab", "bc", "xy", "yz" are there twice each.
  const auto tied = learned("abc\nxyz\nxyz\nabc", {{"vocab_size", 261}}, host);
  CHECK(merges_of(*tied) == std::vector<std::string>{"a b", "x y", "ab c", "xy z"});
  CHECK(host.logged.empty());
}

TEST_CASE("a pair that stands in a word several times, overlapping, is counted as it is merged") {
  QuietHost host;
  // "aaaa" twice: "aa" counts 6, and merging it leaves "aa aa".
  const auto t = learned("aaaa\naaaa", {{"vocab_size", 259}}, host);
  CHECK(merges_of(*t) == std::vector<std::string>{"a a", "aa aa"});
  CHECK(t->encode("aaaaa") == Ids{257, t->encode("a")[0]});
}

TEST_CASE("learning is the same with any number of threads") {
  QuietHost host;
  const std::string corpus = large_corpus();
  const std::string one = learned(corpus, {{"vocab_size", 500}, {"threads", 1}}, host)->save();
  for (const int threads : {2, 3, 8}) CHECK(learned(corpus, {{"vocab_size", 500}, {"threads", threads}}, host)->save() == one);
  CHECK(merges_of(*learned(corpus, {{"vocab_size", 500}}, host)).size() == 500 - 256 - 1);
}

TEST_CASE("what was learned encodes any bytes and comes back from a checkpoint") {
  QuietHost host;
  const auto t = learned("the cat sat on the mat, the hat", {{"vocab_size", 270}, {"chat_tokens", true}}, host);
  CHECK(t->encode(" the").size() == 1);
  auto copy = opened("bpe_train", {{"chat_tokens", true}}, host);
  CHECK(!copy->ready());
  copy->load(t->save());
  CHECK(copy->ready());
  CHECK(copy->vocab_size() == t->vocab_size());
  rc::check([&] {
    const auto bytes = *rc::gen::arbitrary<std::string>();
    RC_ASSERT(t->decode(t->encode(bytes)) == bytes);
    RC_ASSERT(copy->encode(bytes) == t->encode(bytes));
  });
}

TEST_CASE("a text that has too little for the vocabulary gives what it has, with a warning") {
  QuietHost host;
  const auto t = learned("abab xyz", {{"vocab_size", 1000}, {"min_count", 2}}, host);
  CHECK(t->vocab_size() == 256 + 1 + 1);  // only "ab" is there twice
  REQUIRE(host.logged.size() == 1);
  CHECK_THAT(host.logged[0], Contains("1 merges") && Contains("1000"));
}

TEST_CASE("bytes that are not UTF-8 and megabytes without a blank are learned from, too") {
  QuietHost host;
  const auto t = learned(
      "ab\xff"
      "ab\xff"
      "ab " +
          std::string(3'000'000, 'z'),
      {{"vocab_size", 270}}, host);
  CHECK_THAT(merges_of(*t), Catch::Matchers::VectorContains(std::string("a b")));
  CHECK_THAT(merges_of(*t), Catch::Matchers::VectorContains(std::string("z z")));
}

TEST_CASE("a vocabulary that cannot be learned is refused") {
  QuietHost host;
  CHECK(error_of([&] { learned("", {}, host); }).code() == Code::data_empty);
  CHECK(error_of([&] { opened("bpe_train", {}, host)->encode("x"); }).code() == Code::missing_key);
  const auto conflict = [](const Table& values) { return error_of([&] { plugins().tokenizer("bpe_train", values); }); };
  CHECK_THAT(conflict({{"vocab_size", 261}, {"chat_tokens", true}}).what(), Contains("261") && Contains("262"));
  CHECK_THAT(conflict({{"pattern", "("}}).what(), Contains("not a regular expression"));
}
