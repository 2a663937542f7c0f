#include <thread>

#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/random_values.h"
#include "testkit/tiny_text.h"

namespace gptcore {
namespace {

std::vector<std::string> pieces(RandomValues& random, int count) {
  const std::string text = tiny_text();
  std::vector<std::string> out = {"", text.substr(0, 1), text};
  while (static_cast<int>(out.size()) < count) {
    const size_t begin = random.below(text.size());
    out.push_back(text.substr(begin, random.below(200)));
  }
  return out;
}

std::string shown(const std::string& text) {
  return to_toml(Value(text.substr(0, 40)));
}

void round_trip(const ItemSubject& s) {
  const auto world = s.world();
  const auto tokenizer = world->tokenizer(s.item.name, s.values());
  RandomValues random(s.seed);
  for (const std::string& text : pieces(random, 50)) {
    const std::string back = tokenizer->decode(tokenizer->encode(text));
    expect(back == text, "the text " + shown(text) + " comes back as " + shown(back));
  }
}

void ids_below_vocab(const ItemSubject& s) {
  const auto world = s.world();
  const auto tokenizer = world->tokenizer(s.item.name, s.values());
  const int64_t vocab = tokenizer->vocab_size();
  expect(vocab > 0, "vocab_size() is " + std::to_string(vocab));
  RandomValues random(s.seed);
  for (const std::string& text : pieces(random, 50))
    for (const int32_t id : tokenizer->encode(text))
      expect(id >= 0 && id < vocab, "encode(" + shown(text) + ") gives the id " + std::to_string(id) +
                                        ", and vocab_size() is " + std::to_string(vocab));
}

// Every id has a text. Encoding the text of some ids need not return those ids: an encoder may join them otherwise.
void decodes_every_id(const ItemSubject& s) {
  const auto world = s.world();
  const auto tokenizer = world->tokenizer(s.item.name, s.values());
  const auto vocab = static_cast<uint64_t>(tokenizer->vocab_size());
  RandomValues random(s.seed);
  for (uint64_t id = 0; id < std::min<uint64_t>(vocab, 100000); ++id) {
    const auto one = static_cast<int32_t>(id);
    static_cast<void>(tokenizer->decode({&one, 1}));
  }
  for (int i = 0; i < 50; ++i) {
    std::vector<int32_t> ids(random.below(100));
    for (int32_t& id : ids) id = static_cast<int32_t>(random.below(vocab));
    static_cast<void>(tokenizer->decode(ids));
  }
}

void save_and_load(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const auto learned = world->tokenizer(s.item.name, values);
  const auto loaded = world->new_tokenizer(s.item.name, values);
  loaded->load(learned->save());
  expect(loaded->ready(), "it is not ready() after load(save())");
  expect(loaded->vocab_size() == learned->vocab_size(), "load(save()) gives another vocab_size()");
  RandomValues random(s.seed);
  for (const std::string& text : pieces(random, 20))
    expect(loaded->encode(text) == learned->encode(text), "load(save()) encodes " + shown(text) + " differently");
}

void damaged_state(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const std::string saved = world->tokenizer(s.item.name, values)->save();
  RandomValues random(s.seed);
  for (const std::string& bytes :
       {std::string(), std::string("\0\xff{[", 4), saved.substr(0, saved.size() / 2), saved + "x", std::string(1000, '[')}) {
    const auto tokenizer = world->new_tokenizer(s.item.name, values);
    try {
      tokenizer->load(bytes);
    } catch (const Error& error) {
      expect(error.code() != Code::plugin_failed,
             "load() of damaged bytes throws an exception that is not a gptcore::Error: " + std::string(error.what()));
    }
  }
}

void works_on_threads(const ItemSubject& s) {
  const auto world = s.world();
  const auto tokenizer = world->tokenizer(s.item.name, s.values());
  const std::string text = tiny_text();
  const auto expected = tokenizer->encode(text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(3);
  for (int& w : wrong)
    threads.emplace_back([&] {
      try {
        for (int i = 0; i < 20; ++i) w += tokenizer->encode(text) != expected || tokenizer->decode(expected) != text;
      } catch (const std::exception&) {
        ++w;
      }
    });
  for (std::thread& t : threads) t.join();
  for (const int w : wrong) expect(w == 0, "encode() and decode() on three threads at once give other results than on one");
}

}  // namespace

void add_tokenizer_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "round_trip", round_trip);
  add_case(subject, cases, "ids_below_vocab", ids_below_vocab);
  add_case(subject, cases, "decodes_every_id", decodes_every_id);
  add_case(subject, cases, "save_and_load", save_and_load);
  add_case(subject, cases, "damaged_state", damaged_state);
  add_case(subject, cases, "works_on_threads", works_on_threads);
}

}  // namespace gptcore
