// The records that runs emit are those that gptcore/events.h and gptcore/event_fields.h describe.
#include <signal.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "gptcore/event_fields.h"
#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore;
using namespace gptcore::test;

namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

std::vector<Json> all_records(const Workspace& w) {
  std::vector<Json> all;
  std::istringstream in(read(w.path("out") / "metrics.jsonl"));
  for (std::string line; std::getline(in, line);) all.push_back(Json::parse(line));
  return all;
}

std::optional<Event> event_of(const Json& record) {
  for (int i = 0; i < kEvents; ++i)
    if (record.at("event") == name_of(static_cast<Event>(i))) return static_cast<Event>(i);
  return std::nullopt;
}

bool has_type(const Json& value, FieldType type) {
  if (type == FieldType::number) return value.is_number() || value.is_null();  // null: not finite
  if (type == FieldType::text) return value.is_string();
  if (type == FieldType::flag) return value.is_boolean();
  return type == FieldType::any || value.is_array();
}

// The logger's own keys; it has no others for fields of these names.
bool is_of_every_line(std::string_view key) {
  return key == "event" || key == "step" || key == "seconds";
}

// Checks each record against the list, and adds the entries of the list that describe one of its fields to `seen`.
void compare(const std::vector<Json>& records, std::set<const EventField*>& seen) {
  for (const Json& record : records) {
    INFO(record.dump());
    const auto event = event_of(record);
    REQUIRE(event);
    for (const auto& [key, value] : record.items()) {
      if (is_of_every_line(key)) continue;
      const EventField* listed = event_field(*event, key);
      INFO(key);
      REQUIRE(listed);
      CHECK(has_type(value, listed->type));
      seen.insert(listed);
    }
    for (const EventField& listed : kEventFields)
      if (listed.event == *event && !listed.sometimes) CHECK(record.contains(listed.name));
  }
}

std::string edits() {
  return std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so";
}

std::vector<Json> records_of(const Workspace& w, const Strings& words, int status) {
  Strings all = {"--plugin", edits(), "run", "tiny.toml", "--train.max_iters=60", "--train.eval_interval=10"};
  all.insert(all.end(), words.begin(), words.end());
  const Outcome outcome = w.gptcore(all);
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == status);
  return all_records(w);
}

// Operations that succeed, fail, are reevaluated and are undone; an evaluator; everything that loggers may ask for.
std::vector<Json> run_with_operations() {
  const Workspace w;
  w.add_to_train_stage(R"(
log_timing = true
log_layer_norms = true

  [[stage.operation]]
  use = "set_lr"
  value = 0.009
  when = { trigger_loss = 100.0, max_wait_iters = 5 }

  [[stage.operation]]
  use = "stack_layers"
  layers = [0, 1, 0]
  when = { at_iter = 15 }
  reevaluate = true

  [[stage.operation]]
  use = "widen_mlp"
  hidden = 128
  noise = 0.0
  when = { at_iter = 20 }

  [[stage.operation]]
  use = "fails"
  how = "refuse"
  when = { at_iter = 25 }
  on_error = "skip"

  [[stage.operation]]
  use = "set_lr"
  value = 3.0
  when = { at_iter = 30 }
  undo_if_worse = 0.05
  judge_after = 1

  [[stage.evaluator]]
  use = "mean"
)");
  return records_of(w, {"--run.peak_tflops=1"}, 0);
}

// A loss spike at update 50, and windows without a target: the first ones, and those of the val split.
std::vector<Json> run_with_spike() {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  const size_t from = text.find("[tokenizer]"), stage = text.find("[[stage]]", text.find("log_interval"));
  text.erase(stage, text.find("[[logger]]") - stage);
  text.replace(from, text.find("[model]") - from,
               "[dataset]\nuse = \"line\"\nwrong_from = 400\nwrong_until = 408\nblank_until = 8\nblank_val = true\n\n");
  w.write("tiny.toml", text);
  return records_of(w, {"--on_spike=rewind", "--checkpoint_interval=20"}, 0);
}

std::vector<Json> run_that_fails() {
  const Workspace w;
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"fails\"\n  when = { at_iter = 5 }\n");
  return records_of(w, {}, 3);
}

std::vector<Json> run_that_is_interrupted() {
  const Workspace w;
  Process process(w.training());
  process.wait_for("iter 10");
  process.send(SIGTERM);
  REQUIRE(process.wait().status == 75);
  return all_records(w);
}

std::vector<std::string> names_in(const std::vector<Json>& records) {
  std::vector<std::string> names;
  for (const Json& record : records) names.push_back(record.at("event"));
  return names;
}

}  // namespace

TEST_CASE("records have the fields that gptcore/event_fields.h lists, and each listed field is emitted", "[events]") {
  std::set<const EventField*> seen;
  compare(run_with_operations(), seen);
  compare(run_with_spike(), seen);
  compare(run_that_fails(), seen);
  compare(run_that_is_interrupted(), seen);
  for (const EventField& listed : kEventFields) {
    INFO(name_of(listed.event) << " " << listed.name);
    CHECK((is_of_every_line(listed.name) || seen.contains(&listed)));
  }
}

TEST_CASE("events come in the order that gptcore/events.h gives", "[events]") {
  const Workspace w;
  const auto names = names_in(records_of(w, {"--train.max_iters=10", "--train.log_interval=10"}, 0));
  CHECK(names == Strings{"run_started", "stage_started", "evaluation_started", "evaluation_ended", "step_ended",
                         "evaluation_started", "evaluation_ended", "checkpoint_saved", "stage_ended", "stage_started",
                         "sampled", "stage_ended", "run_ended"});
  const auto failed = names_in(run_that_fails()), interrupted = names_in(run_that_is_interrupted());
  CHECK(Strings(failed.end() - 2, failed.end()) == Strings{"failed", "run_ended"});
  CHECK(Strings(interrupted.end() - 2, interrupted.end()) == Strings{"interrupted", "run_ended"});
}
