#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// A model of 65 tokens that is to show data of `data`.
struct Growing : Planning {
  explicit Growing(int64_t data = 80) { data_vocab_size = data; }
  Lines resized(const Table& values) { return plan("resize_vocabulary", values); }
  std::string refused(const Table& values) { return refusal("resize_vocabulary", values).line(); }
};

}  // namespace

TEST_CASE("resize_vocabulary takes the source token and the noise, as a list or by name") {
  CHECK(Growing().resized({{"value", List{3, 0.02}}}) == Lines{"vocabulary 80 from 3 noise 0.02"});
  CHECK(Growing().resized({{"value", List{3, 0}}}) == Lines{"vocabulary 80 from 3 noise 0.0"});
  CHECK(Growing().resized({{"value", List{3}}}) == Lines{"vocabulary 80 from 3 noise 0.01"});
  CHECK(Growing().resized({{"value", 3}}) == Lines{"vocabulary 80 from 3 noise 0.01"});
  CHECK(Growing().resized({{"source", 3}, {"noise", 0.02}}) == Lines{"vocabulary 80 from 3 noise 0.02"});
  CHECK(Growing().resized({}) == Lines{"vocabulary 80 from -1 noise 0.01"});
}

TEST_CASE("resize_vocabulary grows to its size, or to what the data needs") {
  CHECK(Growing().resized({{"size", 96}, {"source", 0}}) == Lines{"vocabulary 96 from 0 noise 0.01"});
  CHECK(Growing(65).resized({}).empty());
  CHECK(Growing(40).resized({}).empty());  // the model has more already
  CHECK(Growing(0).resized({{"size", 65}}).empty());
}

TEST_CASE("resize_vocabulary refuses a size that cannot be, before the first update") {
  CHECK(!Growing().opens("resize_vocabulary", {{"size", 70}}));
  CHECK_THAT(Growing().refused({{"size", 70}}), Contains("70 is smaller than the data's 80"));
  CHECK(!Growing(40).opens("resize_vocabulary", {{"size", 50}}));
  CHECK_THAT(Growing(40).refused({{"size", 50}}), Contains("has 65 tokens and cannot shrink to 50"));
}

TEST_CASE("resize_vocabulary needs a size where the data's is not known") {
  CHECK_THAT(Growing(0).refused({}), Contains("give size"));
}

TEST_CASE("resize_vocabulary refuses a source token that the model has not got") {
  CHECK_THAT(Growing().refused({{"source", 65}}), Contains("no token 65 to copy") && Contains("0 to 64"));
}

TEST_CASE("resize_vocabulary refuses a vocabulary that has grown beyond its size since") {
  Growing p;
  const auto planned = p.open("resize_vocabulary", {{"size", 96}});
  p.model.vocab = 100;
  CHECK_THROWS_WITH(planned->plan(p.now, p.edit), Contains("has 100 tokens and cannot shrink to 96"));
}

TEST_CASE("resize_vocabulary refuses what is no source and noise") {
  for (const Value& bad : std::vector<Value>{List{}, List{1, 2, 3}, List{0.5, 0.1}, List{3, -0.1}, List{3, 2.0}, List{-2}, "a",
                                             List{3, "x"}, 0.5, true}) {
    INFO(to_toml(bad));
    CHECK(!Growing().opens("resize_vocabulary", {{"value", bad}}));
  }
}

TEST_CASE("Operations on the data set its controls") {
  CHECK(Planning().plan("disable_vocab_remapping", {}) == Lines{"data.vocab_remapping = false"});
  CHECK_THAT(Growing().refusal("disable_vocab_remapping", {}).line(), Contains("would show 80 tokens, the model has 65"));
  CHECK(Planning().plan("set_curriculum_alpha", {{"value", 0.25}}) == Lines{"data.curriculum_alpha = 0.25"});
  CHECK(Planning().refusal("set_curriculum_alpha", {{"value", 1.5}}).code() == Code::out_of_range);
  CHECK(Planning().refusal("set_curriculum_alpha", {{"value", "all"}}).code() == Code::wrong_type);
}
