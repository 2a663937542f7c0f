// The ids of GPT-2's own vocabulary, as tiktoken gives them.
#include <fstream>

#include "core/base/hash.h"
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::test;

namespace {

// Null, with a word about it, where GPT-2's files are not.
std::unique_ptr<Tokenizer> gpt2(Host& host, Table values = {}) {
  if (data_folder().empty()) {
    WARN("skipped: there is no ../shared/data/gpt2_bpe beside the sources");
    return nullptr;
  }
  values.emplace_back("dir", data_folder() + "/gpt2_bpe");
  return opened("gpt2", values, host);
}

std::string sha256_of(const Ids& ids) {
  std::string bytes;
  for (const int32_t id : ids) {
    bytes += static_cast<char>(id & 0xff);
    bytes += static_cast<char>(id >> 8);
  }
  return sha256_hex(bytes);
}

}  // namespace

TEST_CASE("the golden texts have tiktoken's ids, with and without special tokens") {
  QuietHost host;
  const auto plain = gpt2(host), special = gpt2(host, {{"allowed_special", "all"}});
  if (!plain) return;
  CHECK(plain->vocab_size() == 50257);
  CHECK(plain->special("<|endoftext|>") == 50256);
  std::ifstream lines(data_folder() + "/golden/gpt2_tokenize_golden.jsonl");
  int texts = 0;
  for (std::string line; std::getline(lines, line); ++texts) {
    INFO(line);
    const auto golden = nlohmann::json::parse(line);
    const auto text = golden.at("text").get<std::string>();
    CHECK(plain->encode(text) == golden.at("ids").get<Ids>());
    CHECK(special->encode(text) == golden.at("ids_with_special").get<Ids>());
    CHECK(plain->decode(plain->encode(text)) == text);
  }
  CHECK(texts == 119);
}

TEST_CASE("whole files have the known numbers and hashes of ids, also from a saved vocabulary") {
  QuietHost host;
  const auto t = gpt2(host);
  if (!t) return;
  const auto again = plugins().tokenizer("gpt2", {});
  again->load(t->save());
  const auto counts = nlohmann::json::parse(read_raw(data_folder() + "/golden/gpt2_text_counts.json"));
  for (const auto& [name, known] : counts.items()) {
    INFO(name);
    const std::string text = read_raw(data_folder() + "/" + name);
    const Ids ids = t->encode(text);
    CHECK(static_cast<int64_t>(ids.size()) == known.at("gpt2_tokens"));
    CHECK(sha256_of(ids) == known.at("sha256_uint16le_ids"));
    CHECK(again->encode(text) == ids);
  }
}

TEST_CASE("tiny Shakespeare's splits have nanoGPT's numbers of tokens") {
  QuietHost host;
  const auto t = gpt2(host);
  if (!t) return;
  const std::string text = read_raw(data_folder() + "/tinyshakespeare/input.txt");
  CHECK(t->encode(text.substr(0, 1003854)).size() == 301966);
  CHECK(t->encode(text.substr(1003854)).size() == 36059);
}

TEST_CASE("the chat tokens follow the end of text") {
  QuietHost host;
  const auto t = gpt2(host, {{"chat_tokens", true}, {"special_tokens", List{"<|pad|>"}}});
  if (!t) return;
  CHECK(t->vocab_size() == 50263);
  const char* const names[] = {"<|bos|>",           "<|user_start|>", "<|user_end|>", "<|assistant_start|>",
                               "<|assistant_end|>", "<|pad|>"};
  for (int32_t i = 0; i < 6; ++i) CHECK(t->special(names[i]) == 50257 + i);
}

TEST_CASE("megabytes without a place to cut are encoded and come back") {
  QuietHost host;
  const auto t = gpt2(host);
  if (!t) return;
  for (const std::string& text :
       {std::string(3'000'000, 'a'), std::string(3'000'000, ' '), "\xff" + std::string(1'000'000, 'b')})
    CHECK(t->decode(t->encode(text)) == text);
}
