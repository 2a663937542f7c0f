#include <rapidcheck.h>

#include <cmath>
#include <set>

#include "gptcore/draft/datasets.h"
#include "plugins/dataset/mixture/schedule.h"
#include "tests/unit/plugins/source_host.h"

#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;
using datasets::MixtureSchedule;

namespace {

// Three texts: of a, b and c alone.
struct Texts : TempFolder {
  Texts() {
    for (const char c : {'a', 'b', 'c'}) write_raw(path / (std::string(1, c) + ".txt"), std::string(4000, c));
  }
  Value source(char c, Value weight = {}) const {
    Table out = {{"use", "text"}, {"files", List{(path / (std::string(1, c) + ".txt")).string()}}};
    if (!weight.empty()) out.emplace_back("weight", weight);
    return out;
  }
  std::unique_ptr<Dataset> open(Table values) {
    auto made = built_in().dataset("mixture", values);
    made->open(context_of(tokenizer.get(), 8, 1, host));
    return made;
  }
  Table mixed(double a, double b, double c) const { return {{"source", List{source('a', a), source('b', b), source('c', c)}}}; }
  SourceHost host;
  std::unique_ptr<Tokenizer> tokenizer = built_in().tokenizer("byte", {});
};

std::string letters(Dataset& d, int64_t first, int64_t count, Split split = Split::train) {
  std::string out;
  for (int64_t i = first; i < first + count; ++i) out += static_cast<char>(row_of(d, split, Order::shuffled, i).ids[0]);
  return out;
}

double share(const std::string& text, char c) {
  return static_cast<double>(std::count(text.begin(), text.end(), c)) / static_cast<double>(text.size());
}

}  // namespace

TEST_CASE("any stretch of samples holds each source by its weight, and takes a source's samples in order") {
  CHECK(rc::check([] {
    const auto raw = *rc::gen::resize(5, rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 1000))));
    const std::vector<double> weights(raw.begin(), raw.end());
    double total = 0;
    for (const double w : weights) total += w;
    const MixtureSchedule schedule(weights);
    const auto first = *rc::gen::inRange<int64_t>(0, int64_t{1} << 50);
    std::vector<int64_t> next(weights.size(), -1), counts(weights.size());
    const int64_t length = 500;
    for (int64_t i = first; i < first + length; ++i) {
      const auto found = schedule.at(i);
      RC_ASSERT(found.source < weights.size());
      RC_ASSERT(next[found.source] < 0 || found.sample == next[found.source]);
      next[found.source] = found.sample + 1;
      ++counts[found.source];
    }
    for (size_t s = 0; s < weights.size(); ++s)
      RC_ASSERT(std::abs(static_cast<double>(counts[s]) - static_cast<double>(length) * weights[s] / total) < 6);
  }));
}

TEST_CASE("a source's first sample is its first in the mixture, and none is left out") {
  const MixtureSchedule schedule({1, 2, 5});
  std::vector<std::set<int64_t>> seen(3);
  for (int64_t i = 0; i < 5000; ++i) {
    const auto found = schedule.at(i);
    CHECK(seen[found.source].insert(found.sample).second);
  }
  for (const auto& samples : seen) CHECK(*samples.rbegin() + 1 == static_cast<int64_t>(samples.size()));
}

TEST_CASE("a change of weights keeps earlier samples, and goes on with each source where it was") {
  MixtureSchedule schedule({3, 1});
  std::vector<datasets::MixedSample> before;
  for (int64_t i = 0; i < 3000; ++i) before.push_back(schedule.at(i));
  schedule.change({1, 9}, 1000);
  schedule.change({1, 1}, 2000);
  std::vector<std::set<int64_t>> seen(2);
  int64_t second = 0;
  for (int64_t i = 0; i < 3000; ++i) {
    const auto found = schedule.at(i);
    if (i < 1000)
      CHECK((found.source == before[static_cast<size_t>(i)].source && found.sample == before[static_cast<size_t>(i)].sample));
    CHECK(seen[found.source].insert(found.sample).second);
    second += i >= 1000 && i < 2000 && found.source == 1;
  }
  CHECK(std::abs(second - 900) < 6);
  for (const auto& samples : seen) CHECK(*samples.rbegin() + 1 == static_cast<int64_t>(samples.size()));

  MixtureSchedule loaded({7, 7});
  loaded.load(schedule.save());
  for (int64_t i = 0; i < 3000; i += 7) CHECK(loaded.at(i).sample == schedule.at(i).sample);
  schedule.change({5, 1}, 1500);  // forgets the later change
  CHECK(schedule.weights() == std::vector<double>{5, 1});
  for (const char* bad : {"", "[]", "{}", R"([{"first": 0, "weights": [1]}])", R"([{"first": 0, "weights": [1, -1]}])"}) {
    CHECK(error_of([&] { loaded.load(bad); }).code() == Code::checkpoint_corrupt);
    CHECK(loaded.at(1500).sample > 0);
  }
}

TEST_CASE("a mixture shows its sources' windows by weight, the same at any batch size and from any object") {
  Texts t;
  const auto d = t.open(t.mixed(6, 3, 1)), other = t.open(t.mixed(6, 3, 1));
  const std::string seen = letters(*d, 0, 1000);
  CHECK(share(seen, 'a') == Approx(0.6).margin(0.005));
  CHECK(share(seen, 'b') == Approx(0.3).margin(0.005));
  CHECK(letters(*other, 500, 100) == seen.substr(500, 100));
  Batch batch;
  d->batch({Split::train, Order::shuffled, 40, 20}, batch);
  std::string together;
  for (int64_t i = 0; i < 20; ++i) together += static_cast<char>(batch.ids.const_data_ptr<int64_t>()[8 * i]);
  CHECK(together == seen.substr(40, 20));
  CHECK(d->tokens(Split::train) == 3 * 3600);
  CHECK(d->vocab_size() == 0);
}

TEST_CASE("controls of the sources are set and saved through the mixture") {
  Texts t;
  const Value remapped = Table{{"use", "vocab_remap"}, {"shrunken_vocab_size", 3}, {"source", t.source('b')}};
  const auto d = t.open({{"source", List{t.source('a'), remapped}}});
  CHECK(row_of(*d, Split::train, Order::sequential, d->windows(Split::train) - 1).ids[0] < 3);
  d->set("vocab_remapping", false);
  CHECK(row_of(*d, Split::train, Order::sequential, d->windows(Split::train) - 1).ids[0] == 'b');
  const auto resumed = t.open({{"source", List{t.source('a'), remapped}}});
  resumed->load(d->save());
  CHECK(row_of(*resumed, Split::train, Order::sequential, d->windows(Split::train) - 1).ids[0] == 'b');
}

TEST_CASE("sequential windows are those of each source in turn") {
  Texts t;
  const auto d = t.open(t.mixed(1, 1, 1));
  const int64_t windows = d->windows(Split::val);
  std::string all;
  for (int64_t w = 0; w < windows; ++w)
    for (const int64_t id : row_of(*d, Split::val, Order::sequential, w).targets)
      if (id >= 0) all += static_cast<char>(id);
  CHECK(all == std::string(399, 'a') + std::string(399, 'b') + std::string(399, 'c'));
}

TEST_CASE("weights change from a sample on, are saved, and leave validation as it was") {
  Texts t;
  const auto d = t.open(t.mixed(1, 1, 1));
  const std::string before = letters(*d, 0, 600), val = letters(*d, 0, 60, Split::val);
  auto* controls = extension_of<SampleControls>(*d);
  REQUIRE(controls);
  CHECK(controls->set_from("weights", List{1.0, 1.0, 8}, 300).code == 0);
  const std::string after = letters(*d, 0, 600);
  CHECK(after.substr(0, 300) == before.substr(0, 300));
  CHECK(share(after.substr(300), 'c') == Approx(0.8).margin(0.02));
  CHECK(letters(*d, 0, 60, Split::val) == val);

  d->set("weights", List{8, 1, 1});  // from the first sample that was not asked for: 600
  CHECK(letters(*d, 0, 600) == after);
  CHECK(share(letters(*d, 600, 300), 'a') == Approx(0.8).margin(0.02));
  const auto resumed = t.open(t.mixed(1, 1, 1));
  resumed->load(d->save());
  CHECK(letters(*resumed, 0, 900) == letters(*d, 0, 900));
}

TEST_CASE("curriculum_alpha draws training towards equally frequent tokens, from a sample on") {
  Texts t;
  const auto plain = t.open(t.mixed(90, 9, 1)), d = t.open(t.mixed(90, 9, 1));
  const std::string before = letters(*d, 0, 400), val = letters(*d, 0, 60, Split::val);
  auto* controls = extension_of<SampleControls>(*d);
  CHECK(controls->set_from("curriculum_alpha", 0.0, 0).code == 0);
  CHECK(letters(*d, 0, 400) == before);
  CHECK(controls->set_from("curriculum_alpha", 1.0, 200).code == 0);
  const std::string after = letters(*d, 0, 3200);
  CHECK(after.substr(0, 200) == before.substr(0, 200));
  // With ever more candidates each share would be a third; with eight, 'a' falls to about half and the others rise.
  CHECK(share(after.substr(200), 'a') < 0.7);
  CHECK(share(after.substr(200), 'b') > 0.2);
  CHECK(share(after.substr(200), 'c') > 0.04);
  CHECK(letters(*d, 0, 60, Split::val) == val);
  const auto resumed = t.open(t.mixed(90, 9, 1));
  resumed->load(d->save());
  CHECK(letters(*resumed, 0, 400) == after.substr(0, 400));
  auto values = t.mixed(90, 9, 1);
  values.emplace_back("curriculum_alpha", 1.0);
  CHECK(letters(*t.open(values), 300, 100) == after.substr(300, 100));
}

TEST_CASE("a control that is none, or of a wrong value, is refused and changes nothing") {
  Texts t;
  const auto d = t.open(t.mixed(1, 1, 1));
  const std::string before = letters(*d, 0, 60);
  CHECK(error_of([&] { d->set("weights", List{1.0, 2.0}); }).code() == Code::out_of_range);
  CHECK(error_of([&] { d->set("weights", List{1.0, 2.0, 0.0}); }).code() == Code::out_of_range);
  CHECK(error_of([&] { d->set("curriculum_alpha", 1.5); }).code() == Code::out_of_range);
  const Error e = error_of([&] { d->set("wieghts", 1); });
  CHECK(e.code() == Code::unknown_key);
  CHECK(letters(*d, 0, 60) == before);
  for (const char* bad : {"", "{}", "[]", R"({"weights": [1], "sources": [[]], "alphas": [], "schedule": ""})",
                          R"({"weights": [1, 1, 1], "sources": [[], [], []], "alphas": [], "schedule": "[]"})"})
    CHECK(error_of([&] { d->load(bad); }).code() == Code::checkpoint_corrupt);
  CHECK(letters(*d, 0, 60) == before);
}

TEST_CASE("a mixture without sources, with a wrong weight or in a host without datasets is refused") {
  Texts t;
  CHECK(error_of([&] { t.open({{"source", List{}}}); }).code() == Code::conflict);
  CHECK_THAT(error_of([&] { t.open({{"source", List{t.source('a', -1)}}}); }).what(), Contains("number above 0"));
  CHECK_THAT(error_of([&] { t.open({{"source", List{Table{{"weight", 1}}}}}); }).what(), Contains("'use'"));
  SilentHost silent;
  const auto d = built_in().dataset("mixture", t.mixed(1, 1, 1));
  CHECK(error_of([&] { d->open(context_of(nullptr, 8, 1, silent)); }).code() == Code::plugin_refused);
}
