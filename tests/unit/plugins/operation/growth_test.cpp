#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

const std::string kSame = "same to 0.0001";

Lines stacked(int64_t blocks, const Table& values) {
  Planning p;
  p.model.blocks = blocks;
  return p.plan("stack_layers", values);
}

Lines widened(int64_t hidden, const Table& values) {
  Planning p;
  p.model.hidden = hidden;
  return p.plan("widen_mlp", values);
}

Lines widened_embedding(int64_t width, const Table& values) {
  Planning p;
  p.model.width = width;
  return p.plan("widen_embedding", values);
}

}  // namespace

TEST_CASE("stack_layers takes the new stack as a list, under either name") {
  for (const char* name : {"value", "layers"}) {
    CHECK(stacked(2, {{name, List{0, 0, 1, 1}}}) == Lines{"blocks 0 0 1 1"});
    CHECK(stacked(2, {{name, List{1}}}) == Lines{"blocks 1"});
    CHECK(stacked(2, {{name, List{1, 0}}}) == Lines{"blocks 1 0"});
  }
}

TEST_CASE("stack_layers puts new blocks in, and claims to keep the function where the old ones stay as they are") {
  CHECK(stacked(2, {{"value", List{-1, 0, -1, 1}}}) == Lines{"blocks -1 0 -1 1", kSame});
  CHECK(stacked(2, {{"value", List{1, 0, -1}}}) == Lines{"blocks 1 0 -1"});
  CHECK(stacked(2, {{"value", List{0, -1}}}) == Lines{"blocks 0 -1"});
}

TEST_CASE("stack_layers repeats the whole stack by a factor, under either name") {
  CHECK(stacked(2, {{"value", 2}}) == Lines{"blocks 0 1 0 1"});
  CHECK(stacked(2, {{"value", 2.0}}) == Lines{"blocks 0 1 0 1"});
  CHECK(stacked(3, {{"factor", 1.5}}) == Lines{"blocks 0 1 2 0 1"});  // 4.5 is rounded to 5
  CHECK(stacked(3, {{"factor", 1.4}}) == Lines{"blocks 0 1 2 0"});
}

TEST_CASE("stack_layers does nothing when the stack is already so") {
  CHECK(stacked(2, {{"value", List{0, 1}}}).empty());
  CHECK(stacked(2, {{"value", 1.1}}).empty());
  CHECK(stacked(4, {{"factor", 2.0}, {"target", 4}}).empty());
  CHECK(stacked(6, {{"factor", 2.0}, {"target", 4}}).empty());
}

TEST_CASE("stack_layers grows no further than its target") {
  CHECK(stacked(4, {{"factor", 2.0}, {"target", 6}}) == Lines{"blocks 0 1 2 3 0 1"});
}

TEST_CASE("A block that the model has not got yet is refused when it is planned, not before") {
  Planning p;
  const auto later = p.open("stack_layers", {{"value", List{0, 1, 2, 3, 3}}});
  const Error e = p.refusal("stack_layers", {{"value", List{0, 1, 2, 3, 3}}});
  CHECK(e.code() == Code::out_of_range);
  CHECK_THAT(e.line(), Contains("no block 3") && Contains("0 to 1"));
  p.model.blocks = 4;
  later->plan(p.now, p.edit);
  CHECK(p.edit.lines == Lines{"blocks 0 1 2 3 3"});
}

TEST_CASE("stack_layers refuses what is no stack before the first update") {
  for (const Table& bad : std::vector<Table>{{{"value", List{}}},
                                             {{"layers", List{}}},
                                             {{"value", List{0, -2}}},
                                             {{"value", List{0, "a"}}},
                                             {{"value", List{0.5}}},
                                             {{"value", 1}},
                                             {{"value", 0.5}},
                                             {{"value", 1e9}},
                                             {{"value", "twice"}},
                                             {{"factor", 1.0}},
                                             {{"factor", 2.0}, {"value", 2.0}},
                                             {{"target", 4}},
                                             {}}) {
    INFO(to_toml(Value(bad)));
    CHECK(!Planning().opens("stack_layers", bad));
  }
  CHECK_THAT(Planning().refusal("stack_layers", {{"value", List{}}}).line(), Contains("the list of blocks is empty"));
  CHECK_THAT(Planning().refusal("stack_layers", {}).line(), Contains("give one of value, layers and factor"));
}

TEST_CASE("widen_mlp takes an integer for hidden units and a float for a factor") {
  CHECK(widened(64, {{"value", 96}}) == Lines{"widen 96 noise 0.0", kSame});
  CHECK(widened(64, {{"hidden", 96}}) == Lines{"widen 96 noise 0.0", kSame});
  CHECK(widened(64, {{"value", 1.5}}) == Lines{"widen 96 noise 0.0", kSame});
  CHECK(widened(64, {{"factor", 1.5}}) == Lines{"widen 96 noise 0.0", kSame});
  CHECK(widened(5, {{"factor", 1.1}}) == Lines{"widen 6 noise 0.0", kSame});  // 5.5
}

TEST_CASE("widen_mlp with noise does not claim to keep the function") {
  CHECK(widened(64, {{"value", 96}, {"noise", 1e-4}}) == Lines{"widen 96 noise 0.0001"});
}

TEST_CASE("widen_mlp claims the tolerance it is given") {
  CHECK(widened(64, {{"value", 96}, {"tolerance", 0.5}}).back() == "same to 0.5");
}

TEST_CASE("widen_mlp does nothing when the width is reached") {
  CHECK(widened(96, {{"value", 96}}).empty());
  CHECK(widened(96, {{"factor", 2.0}, {"target", 96}}).empty());
  CHECK(widened(96, {{"factor", 2.0}, {"target", 64}}).empty());
  CHECK(widened(96, {{"factor", 2.0}, {"target", 100}}) == Lines{"widen 100 noise 0.0", kSame});
}

TEST_CASE("widen_mlp refuses to shrink before the first update, and again when the model has grown since") {
  Planning p;
  CHECK(!p.opens("widen_mlp", {{"value", 63}}));
  CHECK_THAT(p.refusal("widen_mlp", {{"value", 2}}).line(), Contains("cannot shrink to 2") && Contains("2.0"));
  const auto planned = p.open("widen_mlp", {{"value", 96}});
  p.model.hidden = 128;
  CHECK_THROWS_WITH(planned->plan(p.now, p.edit), Contains("128 hidden units and cannot shrink to 96"));
}

TEST_CASE("widen_mlp refuses what is no width") {
  for (const Table& bad : std::vector<Table>{{{"value", 0}},
                                             {{"value", -64}},
                                             {{"value", 1.0}},
                                             {{"value", 17.0}},
                                             {{"value", "wide"}},
                                             {{"value", List{128}}},
                                             {{"hidden", 128}, {"factor", 2.0}},
                                             {{"hidden", 128}, {"noise", -1.0}},
                                             {{"noise", 0.1}},
                                             {}}) {
    INFO(to_toml(Value(bad)));
    CHECK(!Planning().opens("widen_mlp", bad));
  }
}

TEST_CASE("widen_embedding takes an integer for the width and a float for a whole factor") {
  CHECK(widened_embedding(16, {{"value", 48}}) == Lines{"embedding 48 noise 1.0", kSame});
  CHECK(widened_embedding(16, {{"n_embd", 48}}) == Lines{"embedding 48 noise 1.0", kSame});
  CHECK(widened_embedding(16, {{"value", 3.0}}) == Lines{"embedding 48 noise 1.0", kSame});
  CHECK(widened_embedding(16, {{"factor", 3.0}}) == Lines{"embedding 48 noise 1.0", kSame});
}

TEST_CASE("widen_embedding claims to keep the function with noise, too") {
  CHECK(widened_embedding(16, {{"factor", 2.0}, {"noise", 0.01}, {"tolerance", 0.5}}) ==
        Lines{"embedding 32 noise 0.01", "same to 0.5"});
}

TEST_CASE("widen_embedding grows by whole multiples up to its target, and no further") {
  CHECK(widened_embedding(16, {{"factor", 4.0}, {"target", 50}}) == Lines{"embedding 48 noise 1.0", kSame});
  CHECK(widened_embedding(16, {{"factor", 4.0}, {"target", 31}}).empty());
  CHECK(widened_embedding(48, {{"value", 48}}).empty());
}

TEST_CASE("widen_embedding refuses what is no width") {
  for (const Table& bad : std::vector<Table>{{{"value", 0}},
                                             {{"value", 8}},
                                             {{"value", 1.5}},
                                             {{"factor", 2.5}},
                                             {{"value", 17.0}},
                                             {{"value", "wide"}},
                                             {{"n_embd", 32}, {"factor", 2.0}},
                                             {{"n_embd", 32}, {"noise", -1.0}},
                                             {{"hidden", 32}},
                                             {}}) {
    INFO(to_toml(Value(bad)));
    CHECK(!Planning().opens("widen_embedding", bad));
  }
  CHECK_THAT(Planning().refusal("widen_embedding", {{"factor", 1.5}}).line(), Contains("whole factor, got 1.5"));
  CHECK_THAT(Planning().refusal("widen_embedding", {{"value", 2}}).line(), Contains("cannot shrink to 2") && Contains("2.0"));
}

TEST_CASE("Growth is refused for a model without such layers") {
  Planning p;
  p.model.blocks = 0;
  CHECK(p.refusal("stack_layers", {{"value", 2}}).code() == Code::model_shape);
  CHECK(p.refusal("widen_mlp", {{"value", 128}}).code() == Code::model_shape);
}
