#include "noted_edit.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

const std::string kSame = "same to 0.0001";
const std::string kAttention = "blocks.*.attn.qkv";

// Both blocks' attn.qkv have an adapter.
struct Adapted : Planning {
  explicit Adapted(int64_t rank = 4, double alpha = 16) {
    for (const char* layer : {"blocks.0.attn.qkv", "blocks.1.attn.qkv"}) model.adapt(layer, rank, alpha);
  }
};

}  // namespace

TEST_CASE("set_attn_lora_rank and resize_lora_rank put new adapters on every attn.qkv, whose own weights are frozen") {
  for (const char* name : {"set_attn_lora_rank", "resize_lora_rank"})
    CHECK(Planning().plan(name, {{"value", 4}}) ==
          Lines{"lora on " + kAttention + " { rank = 4 }", "freeze blocks.0.attn.qkv", "freeze blocks.1.attn.qkv", kSame});
}

TEST_CASE("set_embedding_lora_rank puts an adapter on the token embedding") {
  CHECK(Planning().plan("set_embedding_lora_rank", {{"value", 4}}) == Lines{"lora on wte { rank = 4 }", "freeze wte", kSame});
}

TEST_CASE("set_layer_lora_rank takes layer and rank, as a list or by name") {
  const Lines lines = {"lora on blocks.1.attn.qkv { rank = 8 }", "freeze blocks.1.attn.qkv", kSame};
  CHECK(Planning().plan("set_layer_lora_rank", {{"value", List{"attn.1", 8}}}) == lines);
  CHECK(Planning().plan("set_layer_lora_rank", {{"layer", "attn.1"}, {"rank", 8}}) == lines);
  CHECK(Planning().plan("set_layer_lora_rank", {{"layer", "wte"}, {"rank", 8}})[0] == "lora on wte { rank = 8 }");
  CHECK(Planning().plan("set_layer_lora_rank", {{"layer", "mlp.0"}, {"rank", 8}}) ==
        Lines{"lora on blocks.0.mlp.* { rank = 8 }", "freeze blocks.0.mlp.fc", "freeze blocks.0.mlp.proj", kSame});
}

TEST_CASE("Alpha and the adapter's item are passed on") {
  CHECK(Planning().plan("set_embedding_lora_rank", {{"value", 4}, {"alpha", 8}, {"adapter", "mine"}})[0] ==
        "mine on wte { rank = 4, alpha = 8.0 }");
}

TEST_CASE("What is frozen beside a new adapter can be chosen") {
  const auto with = [](const char* freeze) {
    return Planning().plan("set_embedding_lora_rank", {{"value", 4}, {"freeze", freeze}});
  };
  CHECK(with("all") == Lines{"lora on wte { rank = 4 }, base frozen", kSame});
  CHECK(with("nothing") == Lines{"lora on wte { rank = 4 }", kSame});
  CHECK_THROWS(with("most"));
}

TEST_CASE("A rank that grows keeps the function, and one that shrinks does not claim so") {
  CHECK(Adapted(4).plan("set_attn_lora_rank", {{"value", 8}}) == Lines{"lora on " + kAttention + " { rank = 8 }", kSame});
  CHECK(Adapted(4).plan("set_attn_lora_rank", {{"value", 2}}) == Lines{"lora on " + kAttention + " { rank = 2 }"});
  CHECK(Adapted(4).plan("set_attn_lora_rank", {{"value", 8}, {"alpha", 3.0}}).back() ==
        kSame);  // taken over with the new scale
}

TEST_CASE("A new alpha of the same rank does not claim to keep the function") {
  CHECK(Adapted(4, 16).plan("set_attn_lora_rank", {{"value", 4}, {"alpha", 8.0}}).size() == 1);
  CHECK(Adapted(4, 16).plan("set_attn_lora_rank", {{"value", 4}, {"alpha", 16.0}}).back() == kSame);
}

TEST_CASE("Only layers that get their first adapter are frozen") {
  Planning p;
  p.model.adapt("blocks.0.attn.qkv", 4);
  CHECK(p.plan("set_attn_lora_rank", {{"value", 8}}) ==
        Lines{"lora on " + kAttention + " { rank = 8 }", "freeze blocks.1.attn.qkv", kSame});
}

TEST_CASE("An adapter of another item that is replaced does not claim to keep the function") {
  Planning p;
  p.model.adapt("blocks.0.attn.qkv", 2, 16, "other");
  CHECK(p.plan("set_attn_lora_rank", {{"value", 8}}) ==
        Lines{"lora on " + kAttention + " { rank = 8 }", "freeze blocks.1.attn.qkv"});
}

TEST_CASE("Rank 0 merges adapters, takes them away and trains the layers again") {
  CHECK(Adapted().plan("set_attn_lora_rank", {{"value", 0}}) ==
        Lines{"merge and drop blocks.0.attn.qkv", "unfreeze blocks.0.attn.qkv", "merge and drop blocks.1.attn.qkv",
              "unfreeze blocks.1.attn.qkv", kSame});
  CHECK(Adapted().plan("set_layer_lora_rank", {{"layer", "attn.1"}, {"rank", 0}, {"freeze", "nothing"}}) ==
        Lines{"merge and drop blocks.1.attn.qkv", kSame});
  CHECK(Planning().plan("set_attn_lora_rank", {{"value", 0}}).empty());
}

TEST_CASE("Rank 0 of the tied embedding does not claim to keep the function") {
  Planning p;
  p.model.adapt("wte", 4);
  CHECK(p.plan("set_embedding_lora_rank", {{"value", 0}}) == Lines{"merge and drop wte", "unfreeze wte"});
}

TEST_CASE("Rank 0 of an adapter in the embedding's place is refused") {
  Planning p;
  p.model.adapted = {{"wte", "lora", {{"rank", 4}, {"alpha", 16.0}, {"mode", "replace"}}}};
  CHECK_THAT(p.refusal("set_embedding_lora_rank", {{"value", 0}}).line(), Contains("stands in the layer's place"));
  CHECK(p.plan("set_embedding_lora_rank", {{"value", 8}}) == Lines{"lora on wte { rank = 8 }", kSame});
}

TEST_CASE("A rank above the layer's smaller dimension is refused before the first update") {
  const Error e = Planning().refusal("set_attn_lora_rank", {{"value", 17}});
  CHECK(!Planning().opens("set_attn_lora_rank", {{"value", 17}}));
  CHECK(e.code() == Code::out_of_range);
  CHECK_THAT(e.line(), Contains("rank 17") && Contains("48 x 16") && Contains("16 or less"));
  CHECK(Planning().opens("set_attn_lora_rank", {{"value", 16}}));
  CHECK(!Planning().opens("set_layer_lora_rank", {{"value", List{"attn.9", 17}}}));
}

TEST_CASE("Layers that cannot have an adapter are refused before the first update") {
  CHECK(Planning().refusal("set_layer_lora_rank", {{"value", List{"ln_f", 4}}}).code() == Code::model_shape);
  CHECK(!Planning().opens("set_layer_lora_rank", {{"value", List{"ln_1.0", 4}}}));
  CHECK_THAT(Planning().refusal("set_layer_lora_rank", {{"value", List{"atn.0", 4}}}).line(), Contains("'attn.0'"));
}

TEST_CASE("An adapter on a block that is still to come is refused when it is planned, not before") {
  CHECK(Planning().opens("set_layer_lora_rank", {{"value", List{"attn.2", 4}}}));
  CHECK(Planning().refusal("set_layer_lora_rank", {{"value", List{"attn.2", 4}}}).code() == Code::unknown_name);
}

TEST_CASE("set_layer_lora_rank refuses what is no layer and rank") {
  for (const Table& bad : std::vector<Table>{{{"value", List{"attn.0"}}},
                                             {{"value", List{8, "attn.0"}}},
                                             {{"value", List{"attn.0", -1}}},
                                             {{"value", List{"attn.0", 2.5}}},
                                             {{"value", List{"", 8}}},
                                             {{"value", "attn.0"}},
                                             {{"layer", "attn.0"}},
                                             {{"rank", 8}},
                                             {{"value", List{"attn.0", 8}}, {"rank", 8}},
                                             {}}) {
    INFO(to_toml(Value(bad)));
    CHECK(!Planning().opens("set_layer_lora_rank", bad));
  }
}

TEST_CASE("change_lora_alpha multiplies every adapter's own alpha and claims nothing") {
  Adapted p(4, 16);
  p.model.adapt("wte", 4, 2);
  p.model.adapt("blocks.0.mlp.fc", 4, 2, "other");
  CHECK(p.plan("change_lora_alpha", {{"value", 0.5}}) == Lines{"lora on blocks.0.attn.qkv { alpha = 8.0 }",
                                                               "lora on blocks.1.attn.qkv { alpha = 8.0 }",
                                                               "lora on wte { alpha = 1.0 }"});
  CHECK(p.plan("change_lora_alpha", {{"value", 3}, {"layers", "wte"}}) == Lines{"lora on wte { alpha = 6.0 }"});
}

TEST_CASE("Operations on adapters change nothing without one, and say so") {
  for (const char* name : {"change_lora_alpha", "merge_lora_weights", "decrease_attn_lora_scaling"}) {
    Planning p;
    const Table values = name == std::string("merge_lora_weights") ? Table{} : Table{{"value", 0.5}};
    CHECK(p.plan(name, values).empty());
    REQUIRE(p.host.warnings.size() == 1);
    CHECK_THAT(p.host.warnings[0], Contains("no layer has an adapter 'lora'"));
  }
}

TEST_CASE("merge_lora_weights merges and starts anew, or takes the adapters away and trains the layers again") {
  CHECK(Adapted().plan("merge_lora_weights", {}) == Lines{"merge blocks.0.attn.qkv", "merge blocks.1.attn.qkv", kSame});
  CHECK(Adapted().plan("merge_lora_weights", {{"drop", true}, {"layers", "attn.1"}}) ==
        Lines{"merge and drop blocks.1.attn.qkv", "unfreeze blocks.1.attn.qkv", kSame});
  CHECK(Adapted().plan("merge_lora_weights", {{"drop", true}, {"layers", "attn.1"}, {"unfreeze", false}}) ==
        Lines{"merge and drop blocks.1.attn.qkv", kSame});
}

TEST_CASE("Merging the tied embedding does not claim to keep the function") {
  Adapted p;
  p.model.adapt("wte", 4);
  CHECK(p.plan("merge_lora_weights", {}) == Lines{"merge blocks.0.attn.qkv", "merge blocks.1.attn.qkv", "merge wte"});
}

TEST_CASE("An adapter in the embedding's place is not merged to start anew") {
  Planning p;
  p.model.adapted = {{"wte", "lora", {{"rank", 4}, {"alpha", 16.0}, {"mode", "replace"}}}};
  CHECK(p.plan("merge_lora_weights", {}).empty());
  CHECK(p.host.warnings.size() == 1);
}

TEST_CASE("decrease_lora_scaling divides the divisor of the width, which multiplies the rank") {
  const auto rank_of = [](int64_t rank, double value) {
    return Adapted(rank).plan("decrease_attn_lora_scaling", {{"value", value}})[0];
  };
  CHECK(rank_of(4, 2) == "lora on " + kAttention + " { rank = 8 }");
  CHECK(rank_of(5, 1.5) == "lora on " + kAttention + " { rank = 7 }");  // 16 // (16 / 5 / 1.5) = 16 // 2.13
  CHECK(rank_of(4, 0.5) == "lora on " + kAttention + " { rank = 2 }");
  CHECK(rank_of(3, 3) == "lora on " + kAttention + " { rank = 9 }");
  CHECK(rank_of(4, 0.1) == "merge and drop blocks.0.attn.qkv");  // 16 // 40 = 0
  CHECK_THAT(Adapted(4).refusal("decrease_attn_lora_scaling", {{"value", 5}}).line(), Contains("rank 20"));
}

TEST_CASE("decrease_lora_scaling starts from the divisor it is given where there is no adapter") {
  CHECK(Planning().plan("decrease_attn_lora_scaling", {{"value", 2}, {"divisor", 8}})[0] ==
        "lora on " + kAttention + " { rank = 4 }");  // 16 // (8 / 2)
  CHECK(Planning().plan("decrease_vocab_lora_scaling", {{"value", 1}, {"divisor", 5}})[0] == "lora on wte { rank = 3 }");
}
