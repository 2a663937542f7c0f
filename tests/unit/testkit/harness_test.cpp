// Runs of the tiny model with an item of every kind, through the library that authors link.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "gptcore/testing/catch2.h"

using namespace gptcore;
using gptcore::testing::Harness;
using gptcore::testing::Report;

namespace {

const std::string kTidy = FIXTURES "/tidy.so";
const std::string kFaulty = FIXTURES "/faulty.so";

std::string built_in(const std::string& name) {
  return std::string(PLUGINS) + "/" + name + ".so";
}

size_t count(const Report& report, Event event) {
  return static_cast<size_t>(
      std::count_if(report.records.begin(), report.records.end(), [&](const Record& r) { return r.event == event; }));
}

}  // namespace

TEST_CASE("A run with a built-in tokenizer trains the tiny model and reports every update") {
  const Report r = Harness(built_in("char"), "char").run_steps(12);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.loss.size() == 12);
  CHECK(r.loss.back() < r.loss.front());
  CHECK(r.metrics.at("val_loss") < 3.6);
  CHECK(r.tensor("wte.weight").sizes() == at::IntArrayRef({32, 16}));
  CHECK(!r.unchanged("wte.weight"));
  CHECK(count(r, Event::run_started) == 1);
  CHECK(count(r, Event::step_ended) == 12);
  CHECK(r.setting("batch_size") == Value(4));
}

TEST_CASE("Equal harnesses give equal runs") {
  const Report a = Harness(kTidy, "settle").run_steps(6), b = Harness(kTidy, "settle").run_steps(6);
  GPTCORE_REQUIRE_OK(a);
  CHECK(a.loss == b.loss);
  for (const std::string& name : a.names()) {
    INFO(name);
    CHECK(at::equal(a.tensor(name), b.tensor(name)));
  }
}

TEST_CASE("A run leaves no files behind") {
  const auto folders = [] {
    size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path()))
      n += entry.path().filename().string().starts_with("gptcore-test-") ? 1 : 0;
    return n;
  };
  const std::filesystem::path own = std::filesystem::temp_directory_path() / ("harness-" + std::to_string(::getpid()));
  std::filesystem::create_directory(own);
  const char* const before = std::getenv("TMPDIR");
  const std::string old = before ? before : "";
  ::setenv("TMPDIR", own.c_str(), 1);
  const bool ok = Harness(built_in("char"), "char").run_steps(1).ok();
  const size_t left = folders();
  before ? ::setenv("TMPDIR", old.c_str(), 1) : ::unsetenv("TMPDIR");
  std::filesystem::remove_all(own);
  CHECK(ok);
  CHECK(left == 0);
}

TEST_CASE("A dataset that needs a file is given the tiny text by its variable") {
  const Report r = Harness(built_in("text"), "text", {{"files", List{"${GPTCORE_TINY_TEXT}"}}}).run_steps(3);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.loss.size() == 3);
}

TEST_CASE("A plugin's model is trained at the tiny sizes") {
  const Report r = Harness(kTidy, "means").run_steps(60);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.names() == std::vector<std::string>{"embedding.weight", "head.weight"});
  CHECK(r.tensor("head.weight").sizes() == at::IntArrayRef({32, 16}));
  CHECK(r.loss.back() < r.loss.front());
}

TEST_CASE("An adapter is trained and the layers that it sits on are left alone") {
  const Report r = Harness(kTidy, "low_rank", {{"rank", 3}}).run_steps(5);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.unchanged("blocks.0.attn.qkv.weight"));
  CHECK(r.tensor("blocks.1.attn.qkv.low_rank.down").sizes() == at::IntArrayRef({3, 16}));
  CHECK(!r.unchanged("blocks.1.attn.qkv.low_rank.up"));
}

TEST_CASE("The program's own keys of an adapter's and an operation's table are parameters too") {
  const Report other = Harness(kTidy, "low_rank", {{"targets", List{"blocks.0.mlp.*"}}, {"train_base", true}}).run_steps(5);
  GPTCORE_REQUIRE_OK(other);
  CHECK(!other.unchanged("blocks.0.attn.qkv.weight"));
  CHECK(!other.unchanged("blocks.0.mlp.fc.low_rank.up"));
  const Report seldom = Harness(kTidy, "settle", {{"at_step", 1}, {"when", Table{{"every", 4}}}}).run_steps(8);
  GPTCORE_REQUIRE_OK(seldom);
  CHECK(count(seldom, Event::model_edited) == 2);
}

TEST_CASE("What an operation changes is seen in tensors, settings and records") {
  const Report r = Harness(kTidy, "settle", {{"at_step", 1}}).run_steps(3);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.setting("learning_rate") == Value(1e-2 / 8));
  CHECK(r.setting("max_iters") == Value(3));
  CHECK(!r.unchanged("blocks.0.attn.qkv.weight"));
  CHECK(count(r, Event::model_edited) == 3);
}

TEST_CASE("An evaluator's metrics are reported by the item's name") {
  const Report r = Harness(kTidy, "rows").run_steps(5);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.metrics.at("rows.loss") > 0);
  CHECK(count(r, Event::item_evaluated) == 10);
}

TEST_CASE("A key of the train stage can be set, and a later value counts") {
  const Report r = Harness(built_in("jsonl"), "jsonl").set("batch_size", 9).set("batch_size", 2).run_steps(2);
  GPTCORE_REQUIRE_OK(r);
  CHECK(r.setting("batch_size") == Value(2));
}

TEST_CASE("A failing run is a report with the line that a user would see") {
  const Report r = Harness(kFaulty, "throwing").run_steps(3);
  CHECK_FALSE(r.ok());
  CHECK(r.error.find("GC202") != std::string::npos);
  CHECK(r.error.find("operation 'throwing', in plan()") != std::string::npos);
  CHECK(r.error.find("out of ideas") != std::string::npos);
  CHECK_THROWS_AS(r.tensor("wte.weight"), Error);
}

TEST_CASE("A parameter that does not fit is the report's error too") {
  const Report wrong = Harness(kTidy, "settle", {{"factor", 7}}).run_steps(3);
  CHECK(wrong.error.find("GC104") != std::string::npos);
  const Report unknown = Harness(kTidy, "settle", {{"factro", 0.5}}).run_steps(3);
  CHECK(unknown.error.find("did you mean 'factor'?") != std::string::npos);
}

TEST_CASE("A file that is no plugin and an item that it has not are refused with a hint") {
  CHECK_THROWS_AS(Harness("/nowhere/x.so", "x"), Error);
  try {
    Harness(kTidy, "setle");
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    CHECK(e.code() == Code::unknown_name);
    CHECK(e.hint().find("settle") != std::string::npos);
  }
}

TEST_CASE("A report without that name says which there are") {
  const Report r = Harness(built_in("char"), "char").run_steps(1);
  GPTCORE_REQUIRE_OK(r);
  try {
    static_cast<void>(r.unchanged("wte"));
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    CHECK(e.hint().find("wte.weight") != std::string::npos);
  }
  CHECK_THROWS_AS(r.setting("learning_rat"), Error);
}
