// Runs that are stopped and go on with other operations: look at the curve, then grow.
#include <signal.h>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;

namespace {

constexpr const char* kSlower = "\n  [[stage.operation]]\n  use = \"change_lr\"\n  value = 0.5\n  when = { at_iter = 60 }\n";
constexpr const char* kFreeze =
    "\n  [[stage.operation]]\n  use = \"freeze_layer\"\n  value = \"wpe\"\n  when = { at_iter = 300 }\n";
constexpr const char* kGrow =
    "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 1.5\n  noise = 0.02\n  when = { at_iter = 240 }\n";

// Trains until about update 150.
void stop_midway(const Workspace& w) {
  Process process(w.training());
  process.wait_for("iter 150");
  process.send(SIGINT);
  REQUIRE(process.wait().status == 128 + SIGINT);
}

std::string model(const Workspace& w) {
  return read(newest_checkpoint(w.path("out")) / "model.safetensors");
}

std::vector<std::string> statuses(const Workspace& w) {
  std::vector<std::string> all;
  const auto state = nlohmann::json::parse(read(newest_checkpoint(w.path("out")) / "state.json"));
  for (const auto& o : state.at("operations"))
    all.push_back(o.at("table").at("use").get<std::string>() + " " + o.at("status").get<std::string>());
  return all;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("an operation added to a stopped run is carried out as if it had been there from the start") {
  const Workspace whole, stopped;
  whole.add_to_train_stage(std::string(kGrow) + kSlower);
  stopped.add_to_train_stage(kSlower);
  REQUIRE(whole.train().status == 0);
  stop_midway(stopped);
  const std::string text = read(stopped.path("tiny.toml"));
  const size_t at = text.find(kSlower);
  stopped.write("tiny.toml", text.substr(0, at) + kGrow + text.substr(at));
  const Outcome rest = stopped.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "resume: operation 'widen_mlp' (when at_iter = 240) is new").size() == 1);
  CHECK(lines_with(rest.err, "resume: ").size() == 1);
  CHECK(statuses(stopped) == Strings{"widen_mlp done", "change_lr done"});
  CHECK((model(whole) == model(stopped)));
}

TEST_CASE("tables that change places on resume keep what they have done") {
  const Workspace whole, stopped;
  whole.add_to_train_stage(std::string(kSlower) + kFreeze);
  stopped.add_to_train_stage(std::string(kSlower) + kFreeze);
  REQUIRE(whole.train().status == 0);
  stop_midway(stopped);
  std::string text = read(stopped.path("tiny.toml"));
  const std::string both = std::string(kSlower) + kFreeze;
  text.replace(text.find(both), both.size(), std::string(kFreeze) + kSlower);
  stopped.write("tiny.toml", text);
  const Outcome rest = stopped.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "resume: ").empty());
  CHECK(statuses(stopped) == Strings{"freeze_layer done", "change_lr done"});
  CHECK((model(whole) == model(stopped)));
}

TEST_CASE("operations that were changed or taken out while a run was stopped are told, and what was done is not done again") {
  const Workspace w;
  w.add_to_train_stage(std::string(kSlower) + kGrow + kFreeze);
  stop_midway(w);
  std::string text = read(w.path("tiny.toml"));
  text.replace(text.find("value = 0.5"), 11, "value = 0.1");
  text.replace(text.find("factor = 1.5"), 12, "factor = 2.0");
  text.erase(text.find(kFreeze), std::string(kFreeze).size());
  w.write("tiny.toml", text);
  const Outcome rest = w.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err,
                   "'change_lr' (value = 0.5, when at_iter = 60) has changed: value: 0.5 -> 0.1; it was carried out "
                   "after update 60 of the stage, and is not again")
            .size() == 1);
  CHECK(lines_with(rest.err, "'widen_mlp' (when at_iter = 240) has changed: factor: 1.5 -> 2.0; it was not carried out yet")
            .size() == 1);
  CHECK(
      lines_with(rest.err, "'freeze_layer' (value = \"wpe\", when at_iter = 300) is gone; it was not carried out yet").size() ==
      1);
  CHECK(statuses(w) == Strings{"change_lr done", "widen_mlp done"});
  const auto edits = records(w.path("out"), "model_edited");
  CHECK(edits.size() == 2);
}
