#include <set>

#include "chat_bytes.h"
#include "gptcore/draft/datasets.h"
#include "gptcore/draft/shown_vocabulary.h"
#include "source_host.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

std::vector<int32_t> shown_by(Dataset& dataset) {
  auto* shown = extension_of<ShownVocabulary>(dataset);
  const auto ids = shown->shown_ids();
  return {ids.begin(), ids.end()};
}

bool has(const std::vector<int32_t>& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Conversations in which the user says u, v and w, the assistant a to f, each letter of it oftener than a mark of a turn.
struct Chats : TempFolder {
  Chats() {
    std::string lines;
    for (int i = 0; i < 20; ++i)
      lines +=
          R"({"messages": [{"role": "user", "content": "uuuuuuvvvvvww"}, {"role": "assistant", "content": "abcdefabcdef"}]})"
          "\n";
    write_raw(path / "chat.jsonl", lines);
  }
  // The rare token is number 1.
  std::unique_ptr<Dataset> open(int64_t size, int64_t count_tokens, const char* pack) {
    const Table source = {{"use", "chat_mixture"},
                          {"files", List{(path / "chat.jsonl").string()}},
                          {"cache", (path / "cache").string()},
                          {"val_fraction", 0.0},
                          {"pack", pack}};
    auto made = built_in().dataset(
        "vocab_remap",
        {{"source", source}, {"shrunken_vocab_size", size}, {"rare_token_id", 1}, {"count_tokens", count_tokens}});
    made->open(context_of(&tokenizer, 64, 1, host));
    return made;
  }
  SourceHost host;
  ChatBytes tokenizer;
};

}  // namespace

TEST_CASE("vocab_remap keeps the most frequent tokens, and undoes it on demand") {
  const TempFolder t;
  SourceHost host;
  const auto tokenizer = built_in().tokenizer("byte", {});
  // Of 4,000 characters: a 2,000, b 1,000, c 500, d 300, e 200, mixed.
  std::string text;
  for (int i = 0; i < 4000; ++i) text += i % 20 < 10 ? 'a' : i % 20 < 15 ? 'b' : i % 40 < 30 ? 'c' : i % 40 < 36 ? 'd' : 'e';
  write_raw(t.path / "mix.txt", text);
  const Table source = {{"use", "text"}, {"files", List{(t.path / "mix.txt").string()}}, {"val_fraction", 0.0}};
  const auto open = [&](Table values, int64_t limit = 0) {
    auto made = built_in().dataset("vocab_remap", values);
    DatasetContext context = context_of(tokenizer.get(), 8, 1, host);
    context.vocab_limit = limit;
    made->open(context);
    return made;
  };
  const Table values = {{"source", source}, {"shrunken_vocab_size", 99}, {"rare_token_id", 0}};
  const auto d = open(values, 99);
  // 'a' and 'b' (97, 98) stay, as the unused 1 to 93 do; 'c', 'd' and 'e' (99 to 101) take the numbers that are free.
  std::set<int64_t> seen;
  for (int64_t w = 0; w < d->windows(Split::train); ++w)
    for (const int64_t id : row_of(*d, Split::train, Order::sequential, w).targets) seen.insert(id);
  seen.erase(-1);
  CHECK(seen == std::set<int64_t>{94, 95, 96, 97, 98});

  const auto small = open({{"source", source}, {"shrunken_vocab_size", 3}, {"rare_token_id", 2}}, 3);
  const Row before = row_of(*small, Split::train, Order::sequential, 0);
  CHECK(before.ids == std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(row_of(*small, Split::train, Order::sequential, 1).targets == std::vector<int64_t>{0, 1, 1, 1, 1, 1, 2, 2});
  CHECK(small->vocab_size() == 3);
  auto* shown = extension_of<ShownVocabulary>(*small);
  REQUIRE(shown);
  const auto ids = shown->shown_ids();
  CHECK(std::vector<int32_t>(ids.begin(), ids.end()) == std::vector<int32_t>{'a', 'b', 2});
  CHECK(shown->rare_number() == 2);
  CHECK(shown->whole_size() == 256);
  small->set("vocab_remapping", false);
  CHECK(small->vocab_size() == 256);
  CHECK(shown->shown_ids().empty());
  CHECK(row_of(*small, Split::train, Order::sequential, 0).ids == std::vector<int64_t>(8, 'a'));
  const auto resumed = open({{"source", source}, {"shrunken_vocab_size", 3}, {"rare_token_id", 2}}, 3);
  resumed->load(small->save());
  CHECK(row_of(*resumed, Split::train, Order::sequential, 0).ids == std::vector<int64_t>(8, 'a'));

  CHECK(error_of([&] { open(values, 50); }).code() == Code::token_out_of_range);
  CHECK(error_of([&] { open({{"source", source}, {"shrunken_vocab_size", 256}}); }).code() == Code::conflict);
  CHECK(error_of([&] {
          open({{"source", source}, {"shrunken_vocab_size", 5}, {"rare_token_id", 5}});
        }).code() == Code::conflict);
  CHECK(error_of([&] { small->set("vocab_remapping", 0); }).code() == Code::wrong_type);
  CHECK(error_of([&] { small->set("weights", 0); }).code() == Code::unknown_key);
  auto* controls = extension_of<SampleControls>(*small);
  REQUIRE(controls);
  CHECK(controls->set_from("vocab_remapping", true, 7).code == 0);
  CHECK(row_of(*small, Split::train, Order::sequential, 0).ids == std::vector<int64_t>(8, 0));
  CHECK(controls->set_from("weights", 0, 7).code == static_cast<int>(Code::unknown_key));
}

TEST_CASE("vocab_remap counts what is shown as well as what is predicted, but not what fills windows up") {
  Chats chats;
  for (const char* pack : {"stream", "documents", "best_fit"})
    for (const int64_t count_tokens : {10'000'000, 300}) {
      CAPTURE(pack, count_tokens);
      const auto d = chats.open(9, count_tokens, pack);
      const auto ids = shown_by(*d);
      // Five marks, u and v, then one of the letters that the assistant says twice, as the user says w.
      for (const int32_t id : {int32_t{'u'}, int32_t{'v'}, 256, 257, 258, 259, 260}) {
        CAPTURE(id);
        CHECK(has(ids, id));
      }
      CHECK_FALSE(has(ids, 0));
      const Row row = row_of(*d, Split::train, Order::sequential, 0);
      CHECK(row.ids[0] != 1);
      CHECK(row.ids[2] != 1);
    }
}

TEST_CASE("vocab_remap counts a token of a stream once") {
  const TempFolder t;
  SourceHost host;
  const auto tokenizer = built_in().tokenizer("byte", {});
  // Windows of 4 begin with 'a', which stands 50 times; 'b' stands 60 times and 'c' 90 times.
  std::string text;
  for (int i = 0; i < 50; ++i) text += i < 40 ? "acbc" : i < 45 ? "abbb" : "abcc";
  write_raw(t.path / "text.txt", text);
  const Table source = {{"use", "text"}, {"files", List{(t.path / "text.txt").string()}}, {"val_fraction", 0.0}};
  const auto d = built_in().dataset("vocab_remap", {{"source", source}, {"shrunken_vocab_size", 3}, {"rare_token_id", 2}});
  d->open(context_of(tokenizer.get(), 4, 1, host));
  CHECK(shown_by(*d) == std::vector<int32_t>{'b', 'c', 2});
}

TEST_CASE("vocab_remap goes on with the numbers of its saved state") {
  Chats chats;
  const auto fresh = chats.open(9, 10'000'000, "best_fit"), earlier = chats.open(9, 10'000'000, "best_fit"),
             resumed = chats.open(9, 10'000'000, "best_fit");
  // A state that is without the numbers has those of the version that wrote it, which counted what is predicted.
  earlier->load("1");
  CHECK(shown_by(*earlier) == std::vector<int32_t>{0, 1, 'a', 'b', 'c', 'd', 'e', 'f', 260});
  resumed->load(earlier->save());
  CHECK(shown_by(*resumed) == shown_by(*earlier));
  CHECK(row_of(*resumed, Split::train, Order::sequential, 0).ids == row_of(*earlier, Split::train, Order::sequential, 0).ids);
  resumed->load(fresh->save());
  CHECK(shown_by(*resumed) == shown_by(*fresh));
}
