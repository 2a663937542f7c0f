// When operations fire, without a model: a stage that only counts updates, evaluates, and asks.
#include "core/train/trigger.h"

#include <cmath>
#include <map>
#include <utility>

#include "core/train/operation_set.h"
#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

struct Idle final : Operation {
  void plan(const TrainingView&, ModelEdit&) override {}
};

// Evaluations at 0, 4, 8, ... and at the end; the loss falls by 0.1 an update from 3; 10 tokens and 0.5 s an update.
struct Stage final : OperationDuties {
  void add(const std::string& name, std::optional<When> when, bool reevaluate = false, bool skip = false,
           bool completed = false) {
    ScheduledOperation o;
    o.name = name;
    o.operation = std::make_unique<Idle>();
    o.when = std::move(when);
    o.reevaluate = reevaluate;
    o.skip_on_error = skip;
    o.completed = completed;
    operations.add(std::move(o));
  }
  void ask(Event event, const Table& record = {}) {
    now.event = event;
    operations.ask(now, record, *this);
  }
  Outcome carry_out(size_t index, const TrainingView& view) override {
    const ScheduledOperation& o = operations.operations()[index];
    fired.emplace_back(o.name, view.step);
    if (const auto bad = failing.find(o.name); bad != failing.end()) throw Error(bad->second, "it does not fit");
    return Outcome::changed;
  }
  bool nothing_to_undo(size_t) override { return false; }
  void refresh(TrainingView&) override {}
  Reevaluation reevaluate() override { return Reevaluation{std::exchange(now.val_loss, 9), 9}; }
  double agree(double number) override { return number; }
  std::optional<double> last_val_loss() const override { return measured; }
  int64_t edits() const override { return static_cast<int64_t>(fired.size()); }
  void report(Table fields) override { records.push_back(std::move(fields)); }
  int64_t first_step() const override { return 0; }
  void save() override { ++saves; }
  void start() { ask(Event::stage_started); }
  void evaluate() {
    measured = loss(now.step);
    now.val_loss = measured.value_or(std::nan(""));
    Table record{{"exam.acc", static_cast<double>(now.step) / 10}};
    if (measured) record.emplace_back("val_loss", *measured);
    ask(Event::evaluation_ended, record);
  }
  void update() {
    ++now.step;
    now.tokens += 10;
    now.seconds += 0.5;
    now.grad_norm = norm(now.step);
    ask(Event::step_ended, now.step % 2 == 0 ? Table{{"lr", 1.0 / static_cast<double>(now.step)}} : Table{});
  }
  void run(int64_t last = 12) {
    if (now.step == 0) start(), evaluate();
    while (now.step < last) {
      update();
      if (now.step % 4 == 0) evaluate();
    }
  }
  std::vector<int64_t> steps(const std::string& name) const {
    std::vector<int64_t> out;
    for (const auto& [who, step] : fired)
      if (who == name) out.push_back(step);
    return out;
  }

  OperationSet operations;
  TrainingView now;
  std::optional<double> measured;
  std::function<std::optional<double>(int64_t)> loss = [](int64_t step) { return 3 - 0.1 * static_cast<double>(step); };
  std::function<double(int64_t)> norm = [](int64_t step) { return step == 6 ? HUGE_VAL : static_cast<double>(step); };
  std::map<std::string, Code> failing;
  std::vector<std::pair<std::string, int64_t>> fired;
  std::vector<Table> records;
  int saves = 0;
};

When when(const Table& keys) {
  When w;
  schema_of<When>().assign(keys, w);
  REQUIRE(schema_of<When>().problems(w).empty());
  return w;
}

using Steps = std::vector<int64_t>;
using Fired = std::vector<std::pair<std::string, int64_t>>;

std::string text(const Table& fields, const std::string& key) {
  const Value* value = find(fields, key);
  return value ? to_toml(*value) : "absent";
}

}  // namespace

TEST_CASE("each condition fires when it first holds where it is looked at", "[trigger]") {
  const auto [keys, expected] = GENERATE(table<Table, Steps>({
      {{{"every", 5}}, {5, 10}},
      {{{"at_iter", 0}}, {0}},
      {{{"at_iter", 7}}, {7}},
      {{{"tokens", 55}}, {6}},
      {{{"seconds", 2.5}}, {5}},
      {{{"grad_norm_above", 4.5}}, {5}},
      {{{"loss_below", 2.7}}, {4}},
      {{{"loss_below", 0.1}}, {}},
      {{{"after_iters", 0}}, {0}},
      {{{"after_iters", 5}}, {8}},
      {{{"metric", "exam.acc"}, {"above", 0.5}}, {8}},
      {{{"metric", "lr"}, {"below", 0.2}}, {6}},
      {{{"metric", "exam.f1"}, {"above", 0.0}}, {}},
      {{{"trigger_loss", 2.7}}, {4}},
      {{{"trigger_loss", "now"}}, {0}},
      {{{"trigger_loss", 0.0}, {"max_wait_iters", 5}}, {8}},
      // Any of several, and each of several.
      {{{"at_iter", 3}, {"loss_below", 2.9}}, {3}},
      {{{"at_iter", 3}, {"loss_below", 2.9}, {"times", 3}}, {3, 4, 8}},
      {{{"loss_below", 0.1}, {"after_iters", 9}}, {12}},
      {{{"all", true}, {"loss_below", 2.7}, {"after_iters", 5}}, {8}},
      {{{"all", true}, {"every", 3}, {"loss_below", 2.7}, {"times", 9}}, {6, 9, 12}},
      {{{"all", true}, {"at_iter", 3}, {"loss_below", 2.7}}, {}},
      {{{"all", true}, {"metric", "exam.acc"}, {"above", 0.3}, {"tokens", 95}}, {10}},
      // Repeats.
      {{{"loss_below", 2.7}, {"times", 2}}, {4, 8}},
      {{{"tokens", 30}, {"times", "unlimited"}, {"cooldown", 4}}, {3, 7, 11}},
      {{{"every", 2}, {"times", 3}}, {2, 4, 6}},
      {{{"every", 2}, {"cooldown", 5}}, {2, 8}},
      {{{"grad_norm_above", 4.5}, {"times", 3}}, {5, 7, 8}},
  }));
  CAPTURE(to_toml(Value(keys)));
  Stage stage;
  stage.add("it", when(keys));
  stage.run();
  CHECK(stage.steps("it") == expected);
}

TEST_CASE("a plateau is so many evaluations without a fall by more than min_delta, then it counts anew", "[trigger]") {
  const std::vector<double> losses = {3, 2.5, 2.45, 2.48, 2.41, 2.0, 2.1, 2.05, 1.5};
  const auto steps_with = [&](const Table& keys) {
    Stage stage;
    stage.loss = [&](int64_t step) { return losses[static_cast<size_t>(step / 4)]; };
    stage.add("it", when(keys));
    stage.run(32);
    return stage.steps("it");
  };
  CHECK(steps_with({{"plateau", 2}}) == Steps{28});
  CHECK(steps_with({{"plateau", 2}, {"min_delta", 0.1}}) == Steps{12});
  CHECK(steps_with({{"plateau", 2}, {"min_delta", 0.1}, {"times", "unlimited"}}) == Steps{12, 28});
  CHECK(steps_with({{"plateau", 1}, {"times", "unlimited"}}) == Steps{12, 24});
  CHECK(steps_with({{"plateau", 3}}).empty());
}

TEST_CASE("what a condition saw before the stage was cut off still counts", "[trigger]") {
  const std::vector<double> losses = {3, 2.5, 2.6, 2.55, 2.41, 2.5, 2.5, 2.5, 1.5};
  const auto build = [&] {
    auto stage = std::make_unique<Stage>();
    stage->loss = [&](int64_t step) { return losses[static_cast<size_t>(step / 4)]; };
    stage->add("plateau", when({{"plateau", 2}, {"times", 2}}));
    stage->add("metric", when({{"all", true}, {"metric", "exam.acc"}, {"above", 0.7}, {"every", 3}, {"cooldown", 7}}));
    stage->add("seldom", when({{"every", 5}, {"times", 3}}));
    stage->add("first", when({{"trigger_loss", 2.55}, {"max_wait_iters", 100}}), true);
    stage->add("second", when({{"trigger_loss", 0.0}, {"max_wait_iters", 9}}));
    stage->add("broken", when({{"every", 11}}), false, true);
    stage->failing["broken"] = Code::conflict;
    return stage;
  };
  const auto whole = build();
  whole->run(32);
  REQUIRE(whole->fired.size() == 11);
  for (int64_t cut = 1; cut < 32; ++cut) {
    CAPTURE(cut);
    const auto first = build(), second = build();
    first->run(cut);
    second->operations.load(first->operations.states(), first->operations.save());
    second->now = first->now;
    second->run(32);
    Fired all = first->fired;
    all.insert(all.end(), second->fired.begin(), second->fired.end());
    CHECK(all == whole->fired);
    CHECK((second->operations.states() == whole->operations.states()));
  }
}

TEST_CASE("a sequence is carried out in order, several at one evaluation with one loss", "[sequence]") {
  Stage stage;  // losses 3, 2.6, 2.2, 1.8
  stage.add("now", when({{"trigger_loss", 100.0}, {"max_wait_iters", 1000}}));
  stage.add("also now", when({{"trigger_loss", "now"}}));
  stage.add("late", when({{"trigger_loss", 2.3}, {"max_wait_iters", 1000}}));
  stage.add("waits for late", when({{"trigger_loss", 2.9}, {"max_wait_iters", 1000}}));
  stage.add("by time", when({{"trigger_loss", 0.0}, {"max_wait_iters", 5}}));
  stage.add("beside it", when({{"loss_below", 2.7}}));
  stage.run(16);
  CHECK(stage.fired ==
        Fired{{"now", 0}, {"also now", 0}, {"beside it", 4}, {"late", 8}, {"waits for late", 8}, {"by time", 16}});
}

TEST_CASE("a wait counts from the last operation of the sequence, from 0 before the first", "[sequence]") {
  Stage stage;
  for (const char* name : {"a", "b", "c"}) stage.add(name, when({{"trigger_loss", 0.0}, {"max_wait_iters", 6}}));
  stage.run(24);
  CHECK(stage.fired == Fired{{"a", 8}, {"b", 16}, {"c", 24}});
}

TEST_CASE("after a re-evaluation nothing of the sequence follows until the next evaluation", "[sequence]") {
  Stage stage;
  stage.add("a", when({{"trigger_loss", 100.0}}), /*reevaluate=*/true);
  stage.add("b", when({{"trigger_loss", 100.0}}));
  stage.run();
  CHECK(stage.fired == Fired{{"a", 0}, {"b", 4}});
  REQUIRE(stage.records.size() == 5);
  CHECK(to_toml(Value(stage.records[2])) ==
        "{ phase = \"reevaluation\", operation = \"a\", iter = 0, edit = 0, old_val_loss = 3.0, new_val_loss = 9.0, change = "
        "6.0 }");
}

TEST_CASE("a wait does not count from an operation that failed or was undone", "[sequence]") {
  const auto build = [] {
    auto stage = std::make_unique<Stage>();
    stage->add("a", when({{"trigger_loss", 0.0}, {"max_wait_iters", 6}}), false, /*skip=*/true);
    stage->add("b", when({{"trigger_loss", 0.0}, {"max_wait_iters", 6}}));
    return stage;
  };
  const auto failing = build();
  failing->failing["a"] = Code::conflict;
  failing->run(16);
  CHECK(failing->fired == Fired{{"a", 8}, {"b", 8}});

  const auto undone = build();
  std::vector<TriggerState> states = undone->operations.states();
  states[0].status = OperationStatus::undone;
  states[0].fired = 1;
  states[0].last_step = 40;  // of the training that was left
  undone->operations.load(states, undone->operations.save());
  undone->run(16);
  CHECK(undone->fired == Fired{{"b", 8}});
}

TEST_CASE("a metric that is not a number is above every number and below none", "[trigger]") {
  const auto steps_with = [](const Table& keys) {
    Stage stage;
    stage.loss = [](int64_t step) { return step < 8 ? 2.0 : std::nan(""); };
    stage.norm = [](int64_t step) { return step < 6 ? 1.0 : -std::nan(""); };
    stage.add("it", when(keys));
    stage.run();
    return stage.steps("it");
  };
  CHECK(steps_with({{"metric", "val_loss"}, {"above", 8.0}}) == Steps{8});
  CHECK(steps_with({{"metric", "val_loss"}, {"above", 8.0}, {"times", 2}}) == Steps{8, 12});
  CHECK(steps_with({{"metric", "val_loss"}, {"below", 1.0}}).empty());
  CHECK(steps_with({{"all", true}, {"metric", "val_loss"}, {"below", 3.0}, {"every", 9}}).empty());  // 2.0 is over
  CHECK(steps_with({{"loss_below", 1.0}}).empty());
  CHECK(steps_with({{"plateau", 2}}) == Steps{8});
  CHECK(steps_with({{"grad_norm_above", 5.0}}).empty());
}

TEST_CASE("an evaluation without a target is not counted by a plateau, and \"now\" fires whatever was measured", "[trigger]") {
  using Losses = std::vector<std::optional<double>>;
  constexpr auto kNone = std::nullopt;
  const auto steps_with = [](const Table& keys, const Losses& losses) {
    Stage stage;
    stage.loss = [&](int64_t step) { return losses[static_cast<size_t>(step / 4)]; };
    stage.add("it", when(keys));
    stage.run(4 * static_cast<int64_t>(losses.size() - 1));
    return stage.steps("it");
  };
  const double nan = std::nan("");
  CHECK(steps_with({{"plateau", 1}}, {kNone, kNone, kNone}).empty());
  CHECK(steps_with({{"plateau", 2}}, {2.0, kNone, 2.5, kNone, kNone, 2.1}) == Steps{20});
  CHECK(steps_with({{"plateau", 2}}, {2.0, kNone, nan, kNone, nan}) == Steps{16});
  CHECK(steps_with({{"plateau", 1}, {"times", 2}}, {2.0, 2.1, kNone, 2.2}) == Steps{4, 12});
  CHECK(steps_with({{"trigger_loss", "now"}}, {kNone, 2.0}) == Steps{0});
  CHECK(steps_with({{"trigger_loss", "now"}}, {nan, 2.0}) == Steps{0});
  CHECK(steps_with({{"trigger_loss", 3.0}}, {kNone, nan, 2.0}) == Steps{8});
}

TEST_CASE("a completed operation is passed over", "[sequence]") {
  Stage stage;
  stage.add("a", when({{"trigger_loss", 0.0}, {"max_wait_iters", 5}}), false, false, /*completed=*/true);
  stage.add("b", when({{"trigger_loss", 100.0}}));
  stage.run();
  CHECK(stage.fired == Fired{{"b", 0}});
  CHECK(stage.operations.states()[0].status == OperationStatus::skipped);
  CHECK(stage.operations.states()[1].status == OperationStatus::done);
}

TEST_CASE("records tell the start and the end of an operation and why it fired", "[operations]") {
  Stage stage;
  ScheduledOperation o;
  o.name = "change_lr";
  o.operation = std::make_unique<Idle>();
  o.when = when({{"trigger_loss", 2.7}, {"max_wait_iters", 1000}});
  o.value = 0.5;
  int done = 0;
  o.on_done = [&] { ++done; };
  stage.operations.add(std::move(o));
  stage.operations.published();
  CHECK(done == 0);
  stage.run();
  CHECK(done == 0);  // a run that is cut off now does it again
  stage.operations.published();
  stage.operations.published();
  CHECK(done == 1);
  REQUIRE(stage.records.size() == 2);
  const std::string rest =
      ", operation = \"change_lr\", iter = 4, edit = 0, value = 0.5, trigger = \"Loss threshold\", val_loss = 2.6, "
      "trigger_loss = 2.7, "
      "max_wait = 1000 }";
  CHECK(to_toml(Value(stage.records[0])) == "{ phase = \"start\"" + rest);
  CHECK(to_toml(Value(stage.records[1])) == "{ phase = \"success\"" + rest);
}

TEST_CASE("the reason names every condition that had to hold, else the first that did", "[trigger]") {
  const auto reason_of = [](const Table& keys) {
    Stage stage;
    stage.add("it", when(keys));
    stage.run();
    REQUIRE(!stage.records.empty());
    return text(stage.records[0], "trigger");
  };
  CHECK(reason_of({{"max_wait_iters", 4}}) == "\"Timeout\"");
  CHECK(reason_of({{"every", 4}}) == "\"Interval\"");
  CHECK(reason_of({{"at_iter", 0}}) == "\"Iteration\"");
  CHECK(reason_of({{"metric", "exam.acc"}, {"above", 0.1}}) == "\"Metric exam.acc\"");
  CHECK(reason_of({{"all", true}, {"tokens", 5}, {"loss_below", 2.9}}) == "\"Tokens and Loss threshold\"");
}

TEST_CASE("an operation that fails is told of once, and with skip never asked again", "[operations]") {
  Stage stage;
  stage.add("broken", when({{"trigger_loss", 100.0}}), false, /*skip=*/true);
  stage.add("next", when({{"trigger_loss", 100.0}}));
  stage.add("also broken", when({{"every", 2}}), false, /*skip=*/true);
  stage.failing = {{"broken", Code::conflict}, {"also broken", Code::out_of_range}};
  stage.run();
  CHECK(stage.fired == Fired{{"broken", 0}, {"next", 0}, {"also broken", 2}});
  CHECK(stage.operations.states()[0].status == OperationStatus::failed);
  CHECK(stage.operations.states()[2].status == OperationStatus::failed);
  CHECK(stage.saves == 0);
  int errors = 0;
  for (const Table& record : stage.records) errors += text(record, "phase") == "\"error\"";
  CHECK(errors == 2);
  CHECK(text(stage.records[1], "error") == "\"it does not fit\"");
}

TEST_CASE("an operation that fails ends the run after a checkpoint, and a resumed run asks it again", "[operations]") {
  Stage stage;
  stage.add("broken", when({{"at_iter", 3}}));
  stage.add("later", when({{"at_iter", 3}, {"loss_below", 0.1}, {"times", 2}}));
  stage.failing["broken"] = Code::conflict;
  CHECK_THROWS_WITH(stage.run(), "operation 'broken' after step 3: it does not fit");
  CHECK(stage.saves == 1);
  CHECK(stage.fired == Fired{{"broken", 3}});
  CHECK(stage.operations.states()[0].status == OperationStatus::failed);

  Stage repaired;
  repaired.add("broken", when({{"at_iter", 3}}));
  repaired.add("later", when({{"at_iter", 3}, {"loss_below", 0.1}, {"times", 2}}));
  repaired.operations.load(stage.operations.states(), stage.operations.save());
  repaired.now = stage.now;
  repaired.run();
  CHECK(repaired.fired == Fired{{"broken", 4}, {"later", 4}});
}

TEST_CASE("a crashed plugin ends the run whatever its policy says", "[operations]") {
  const Code code = GENERATE(Code::plugin_failed, Code::peer_lost, Code::internal);
  Stage stage;
  stage.add("broken", when({{"at_iter", 3}}), false, /*skip=*/true);
  stage.failing["broken"] = code;
  CHECK_THROWS_AS(stage.run(), Error);
  CHECK(stage.saves == (code == Code::plugin_failed ? 1 : 0));
}

TEST_CASE("only those that wait for the time or the gradient norm make it known", "[trigger]") {
  Stage stage;
  stage.add("a", when({{"every", 3}}));
  CHECK_FALSE(stage.operations.waits_for_time(Event::step_ended));
  CHECK_FALSE(stage.operations.waits_for_grad_norm());
  stage.add("b", when({{"seconds", 2.0}}));
  stage.add("c", when({{"grad_norm_above", 3.5}}));
  CHECK(stage.operations.waits_for_time(Event::step_ended));
  CHECK(stage.operations.waits_for_grad_norm());
  stage.run();
  CHECK_FALSE(stage.operations.waits_for_time(Event::step_ended));
  CHECK_FALSE(stage.operations.waits_for_grad_norm());
}
