// The adapter `lora` in whole runs.
#include <ATen/ops/equal.h>

#include "gptcore/testing/catch2.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

const std::string kFile = std::string(PLUGINS) + "/lora.so";

// Whether what was trained is just what should be: the adapter's, or all.
void check_trained(const Report& report, bool base) {
  int own = 0;
  for (const std::string& name : report.names()) {
    CAPTURE(name);
    const bool is_own = name.find(".lora.") != std::string::npos;
    own += is_own;
    CHECK(report.unchanged(name) == (!is_own && !base));
  }
  CHECK(own > 0);
}

}  // namespace

TEST_CASE("A run with lora trains lora alone, and learns", "[lora]") {
  const List targets = GENERATE(List{"blocks.*.attn.qkv"}, List{"blocks.*"}, List{"wte", "blocks.1.mlp.*"});
  Harness h{kFile, "lora", {{"rank", 4}, {"alpha", 8.0}, {"targets", targets}}};
  const Report r = h.run_steps(20);
  GPTCORE_REQUIRE_OK(r);
  check_trained(r, /*base=*/false);
  CHECK(r.loss.back() < r.loss.front());
}

TEST_CASE("A run with lora and train_base trains everything", "[lora]") {
  Harness h{kFile, "lora", {{"rank", 4}, {"targets", List{"blocks.*.attn.qkv"}}, {"train_base", true}}};
  const Report r = h.run_steps(5);
  GPTCORE_REQUIRE_OK(r);
  check_trained(r, /*base=*/true);
}

TEST_CASE("A run whose embedding lora replaces learns with the base frozen, and is refused otherwise", "[lora]") {
  const Table values = {{"rank", 8}, {"mode", "replace"}, {"targets", List{"wte"}}};
  const Report r = Harness(kFile, "lora", values).run_steps(20);
  GPTCORE_REQUIRE_OK(r);
  check_trained(r, /*base=*/false);
  CHECK(r.loss.back() < r.loss.front());
  Table trained = values;
  trained.emplace_back("train_base", true);
  CHECK_THAT(Harness(kFile, "lora", trained).run_steps(1).error, Catch::Contains("GC106") && Catch::Contains("'wte'"));
}

TEST_CASE("Runs with lora's dropout are equal for equal seeds", "[lora]") {
  const Table values = {{"rank", 4}, {"dropout", 0.3}, {"targets", List{"blocks.*.attn.qkv"}}};
  const Report one = Harness(kFile, "lora", values).run_steps(6), two = Harness(kFile, "lora", values).run_steps(6);
  GPTCORE_REQUIRE_OK(one);
  CHECK(one.loss == two.loss);
  for (const std::string& name : one.names()) CHECK(at::equal(one.tensor(name), two.tensor(name)));
  const Table without = {{"rank", 4}, {"targets", List{"blocks.*.attn.qkv"}}};
  CHECK(Harness(kFile, "lora", without).run_steps(6).loss != one.loss);
}

TEST_CASE("A run with a rank above the layer's sizes, or values out of range, ends before it starts", "[lora]") {
  const auto error = [](const std::string& key, const Value& value) {
    return Harness(kFile, "lora", {{key, value}, {"targets", List{"blocks.*.attn.qkv"}}}).run_steps(1).error;
  };
  CHECK_THAT(error("rank", 17), Catch::Contains("GC400") && Catch::Contains("rank 17") && Catch::Contains("blocks.0.attn.qkv"));
  CHECK_THAT(error("rank", 0), Catch::Contains("GC104"));
  CHECK_THAT(error("alpha", 0.0), Catch::Contains("GC104"));
  CHECK_THAT(error("dropout", 1.0), Catch::Contains("GC104"));
  CHECK_THAT(error("mode", "replaces"), Catch::Contains("GC104") && Catch::Contains("replace"));
  CHECK_THAT(error("ranks", 4), Catch::Contains("GC102") && Catch::Contains("rank"));
}
