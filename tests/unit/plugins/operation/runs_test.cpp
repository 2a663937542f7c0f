// The built-in operations in whole runs of the tiny model, which has 2 blocks, 64 hidden units and 32 tokens.
#include "gptcore/testing/catch2.h"

using namespace gptcore;
using namespace gptcore::testing;
using Catch::Matchers::Contains;

namespace {

// A run of 10 updates, with the operation after the fifth where an update has 32 tokens.
Report run(const std::string& plugin, const std::string& name, Table values, const Table& stage = {}) {
  values.emplace_back("when", Table{{"tokens", 160}});
  Harness h(std::string(PLUGINS) + "/" + plugin + ".so", name, values);
  for (const auto& [key, value] : stage) h.set(key, value);
  return h.run_steps(10);
}

}  // namespace

TEST_CASE("A run whose learning rate and batch change goes on with the new ones") {
  const Report lr = run("schedule", "change_lr", {{"value", 0.5}});
  GPTCORE_REQUIRE_OK(lr);
  CHECK(lr.setting("learning_rate") == Value(0.005));
  const Report batch = run("batch", "change_batch_size", {{"value", 2}});
  GPTCORE_REQUIRE_OK(batch);
  CHECK(batch.setting("batch_size") == Value(8));
  CHECK(batch.loss.size() == 10);
}

TEST_CASE("A run that is stacked and widened has the new shapes and learns") {
  const Report deep = run("growth", "stack_layers", {{"value", 2}});
  GPTCORE_REQUIRE_OK(deep);
  CHECK(deep.tensor("blocks.3.mlp.fc.weight").sizes() == at::IntArrayRef({64, 16}));
  CHECK(deep.loss.back() < deep.loss.front());
  const Report wide = run("growth", "widen_mlp", {{"factor", 1.5}});
  GPTCORE_REQUIRE_OK(wide);
  CHECK(wide.tensor("blocks.1.mlp.fc.weight").sizes() == at::IntArrayRef({96, 16}));
  CHECK(wide.loss.back() < wide.loss.front());
  const Report channels = run("growth", "widen_embedding", {{"factor", 2.0}});
  GPTCORE_REQUIRE_OK(channels);
  CHECK(channels.tensor("blocks.1.attn.qkv.weight").sizes() == at::IntArrayRef({96, 32}));
  CHECK(channels.loss.back() < channels.loss.front());
}

TEST_CASE("A run that freezes a layer before the first update leaves it alone") {
  Harness h(std::string(PLUGINS) + "/freeze.so", "freeze_layer", {{"value", "attn.0"}, {"when", Table{{"at_iter", 0}}}});
  const Report r = h.run_steps(5);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.unchanged("blocks.0.attn.qkv.weight"));
  CHECK(r.unchanged("blocks.0.attn.proj.weight"));
  CHECK(!r.unchanged("blocks.0.mlp.fc.weight"));
  CHECK(!r.unchanged("blocks.1.attn.qkv.weight"));
}

TEST_CASE("A run whose vocabulary grows has the new rows") {
  const Report r = run("vocabulary", "resize_vocabulary", {{"size", 40}, {"source", 3}});
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.tensor("wte.weight").sizes() == at::IntArrayRef({40, 16}));
}

TEST_CASE("A run whose batch is adjusted sees as many samples an update as before") {
  const Report r = run("batch", "adjust_batch_size", {}, {{"gradient_accumulation_steps", 8}});
  GPTCORE_REQUIRE_OK(r);
  const int64_t batch = r.setting("batch_size").as<int64_t>();
  CHECK(batch * r.setting("gradient_accumulation_steps").as<int64_t>() == 32);
}

TEST_CASE("A wrong argument ends the run before its first update with one line") {
  const Report r = run("freeze", "freeze_layer", {{"value", "atn.0"}});
  CHECK(r.loss.empty());
  CHECK_THAT(r.error, Contains("no layer fits 'atn.0'") && Contains("did you mean 'attn.0'?"));
}
