#include "core/train/resumed_operations.h"

#include <map>
#include <memory>

#include "tests/catch.h"

using namespace gptcore;

namespace {

struct Idle final : Operation {
  void plan(const TrainingView&, ModelEdit&) override {}
};

// A stage's operations; `when` is at_iter.
struct Stage {
  Stage& add(const std::string& name, const std::string& value, int64_t at_iter, bool skip_on_error = false,
             bool completed = false) {
    ScheduledOperation o;
    o.name = name;
    o.operation = std::make_unique<Idle>();
    o.when.emplace().at_iter = at_iter;
    o.table = {{"use", name}, {"value", value}, {"when", text_of(*o.when)}};
    o.skip_on_error = skip_on_error;
    o.completed = completed;
    operations.add(std::move(o));
    return *this;
  }
  // What a checkpoint after `step` updates says when those named were carried out after that many.
  TrainState after(int64_t step, const std::map<std::string, int64_t>& carried_out) const {
    TrainState state;
    state.started = true;
    state.step = step;
    state.triggers = operations.states();
    for (TriggerState& t : state.triggers)
      if (const auto found = carried_out.find(t.table.at("use")); found != carried_out.end()) {
        t.status = OperationStatus::done;
        t.fired = 1;
        t.last_step = found->second;
        t.at_iter_passed = true;
      }
    return state;
  }
  OperationSet operations;
};

using Lines = std::vector<std::string>;
using From = std::vector<std::optional<size_t>>;

}  // namespace

TEST_CASE("one that was carried out as often as `times` allows now is over", "[resume]") {
  const auto [fired, is_over] = GENERATE(table<int64_t, bool>({{1, false}, {2, true}, {3, true}}));
  const auto repeats = [](int64_t times) {
    Stage stage;
    stage.add("a", "1", 10);
    ScheduledOperation o;
    o.name = "b";
    o.operation = std::make_unique<Idle>();
    o.when.emplace().every = 10;
    o.when->times = times;
    o.table = {{"use", "b"}, {"when", text_of(*o.when)}};
    stage.operations.add(std::move(o));
    return stage;
  };
  const Stage before = repeats(5), now = repeats(2);
  TrainState state = before.after(39, {});
  state.triggers[1].fired = fired;
  state.triggers[1].last_step = 30;
  const ResumedOperations known = resume_operations(now.operations, state);
  CHECK(state.triggers[1].fired == fired);
  CHECK((state.triggers[1].status == OperationStatus::done) == is_over);
  CHECK(known.differences.size() == (is_over ? 2 : 1));
}

TEST_CASE("operations are known wherever their tables stand now", "[resume]") {
  Stage before, now;
  before.add("a", "1", 10).add("b", "2", 30).add("a", "1", 10);
  now.add("b", "2", 30).add("a", "1", 10).add("a", "1", 10);
  TrainState state = before.after(20, {});
  state.triggers[0].status = OperationStatus::done;
  state.triggers[0].fired = 1;
  state.undo_points = {{0, 0}};
  state.round = Round{Event::step_ended, {}, false, {true, true, false}};
  const ResumedOperations known = resume_operations(now.operations, state);
  CHECK(known.differences.empty());
  CHECK((known.from == From{1, 0, 2}));
  CHECK(state.triggers[1].status == OperationStatus::done);
  CHECK(state.triggers[2].status == OperationStatus::pending);
  CHECK(state.undo_points[0].operation == 1);
  CHECK(state.round->asked == std::vector<bool>{true, true, false});
}

TEST_CASE("a new operation is pending, and is asked at once when it names the update that was just made", "[resume]") {
  const int64_t at = GENERATE(15, 20, 25);
  CAPTURE(at);
  Stage before, now;
  before.add("a", "1", 10);
  now.add("grow", "2", at).add("a", "1", 10);
  TrainState state = before.after(20, {{"a", 10}});
  const ResumedOperations known = resume_operations(now.operations, state);
  REQUIRE(!known.differences.empty());
  CHECK(known.differences[0] == "operation 'grow' (value = 2, when at_iter = " + std::to_string(at) + ") is new");
  CHECK((known.from == From{std::nullopt, 0}));
  CHECK(state.triggers[0].status == OperationStatus::pending);
  CHECK(state.triggers[1].status == OperationStatus::done);
  CHECK(state.triggers[0].at_iter_passed == (at == 15));
  CHECK(known.differences.size() == (at == 15 ? 2 : 1));
  REQUIRE(state.round.has_value() == (at == 20));
  if (state.round) CHECK(state.round->asked == std::vector<bool>{false, true});
}

TEST_CASE("what was carried out stays carried out though its arguments changed, and both are told", "[resume]") {
  Stage before, now;
  before.add("lr", "0.5", 10);
  now.add("lr", "0.25", 10);
  TrainState state = before.after(20, {{"lr", 10}});
  const ResumedOperations known = resume_operations(now.operations, state);
  CHECK(known.differences == Lines{"operation 'lr' (value = 0.5, when at_iter = 10) has changed: value: 0.5 -> 0.25; it was "
                                   "carried out after update 10 of the stage, and is not again"});
  CHECK((known.from == From{std::nullopt}));
  CHECK(state.triggers[0].status == OperationStatus::done);
  CHECK(state.triggers[0].table.at("value") == "0.25");
}

TEST_CASE("a pending operation takes other arguments or another time", "[resume]") {
  Stage before, value, when;
  before.add("lr", "0.5", 30);
  value.add("lr", "0.25", 30);
  when.add("lr", "0.5", 40);
  TrainState state = before.after(20, {}), other = state;
  CHECK(resume_operations(value.operations, state).differences ==
        Lines{"operation 'lr' (value = 0.5, when at_iter = 30) has changed: value: 0.5 -> 0.25; it was not carried out yet"});
  CHECK(resume_operations(when.operations, other).differences ==
        Lines{"operation 'lr' (value = 0.5, when at_iter = 30) has changed: when: at_iter = 30 -> at_iter = 40; it was not "
              "carried out yet"});
  CHECK(state.triggers[0].status == OperationStatus::pending);
}

TEST_CASE("one that is gone is told once, and is remembered when it was carried out", "[resume]") {
  Stage before, now;
  before.add("a", "1", 10).add("b", "2", 30);
  TrainState state = before.after(20, {{"a", 10}});
  state.undo_points = {{0, 0}};
  CHECK(
      resume_operations(now.operations, state).differences ==
      Lines{
          "operation 'a' (value = 1, when at_iter = 10) is gone; it was carried out after update 10 of the stage, which stays",
          "operation 'b' (value = 2, when at_iter = 30) is gone; it was not carried out yet"});
  REQUIRE(state.triggers.size() == 1);
  CHECK(state.undo_points[0].operation == 0);
  CHECK(resume_operations(now.operations, state).differences.empty());
  Stage again;
  again.add("b", "2", 30).add("a", "1", 10);
  resume_operations(again.operations, state);
  REQUIRE(state.triggers.size() == 2);
  CHECK(state.triggers[1].status == OperationStatus::done);
  CHECK_FALSE(state.triggers[1].gone);
}

TEST_CASE("one that names the update just made comes before the evaluation of that update that was cut off", "[resume]") {
  Stage before, now;
  before.add("a", "1", 30);
  now.add("grow", "2", 20).add("a", "1", 30);
  TrainState state = before.after(20, {});
  state.round = Round{Event::evaluation_ended, {{"val_loss", 2.0}}, true, {}};
  resume_operations(now.operations, state);
  REQUIRE((state.round && state.next_round));
  CHECK(state.round->event == Event::step_ended);
  CHECK(state.round->asked == std::vector<bool>{false, true});
  CHECK(state.next_round->event == Event::evaluation_ended);
  CHECK(state.next_round->judged);
  CHECK(state.next_round->asked == std::vector<bool>{false, false});
}

TEST_CASE("one that failed is told to be asked again, or not, by what on_error says now", "[resume]") {
  const bool skip = GENERATE(false, true);
  Stage before, now;
  before.add("a", "1", 10);
  now.add("a", "2", 10, skip);
  TrainState state = before.after(20, {});
  state.triggers[0].status = OperationStatus::failed;
  state.triggers[0].last_step = 10;
  const Lines told = resume_operations(now.operations, state).differences;
  REQUIRE(told.size() == 1);
  CHECK(told[0].ends_with("it failed after update 10 of the stage, and is " + std::string(skip ? "not again" : "asked again")));
}

TEST_CASE("what was said of at_iter and `completed` holds after training went back", "[resume]") {
  Stage before, now;
  before.add("done", "1", 15).add("over", "1", 40);
  now.add("done", "1", 15).add("over", "1", 40, false, true).add("late", "2", 12);
  TrainState state = before.after(20, {{"done", 15}});
  resume_operations(now.operations, state);
  CHECK(state.triggers[1].status == OperationStatus::skipped);
  CHECK(state.triggers[2].at_iter_passed);
  TrainState back = before.after(10, {});
  resume_operations(now.operations, back, &state.triggers);
  CHECK(back.triggers[0].status == OperationStatus::pending);
  CHECK_FALSE(back.triggers[0].at_iter_passed);
  CHECK(back.triggers[1].status == OperationStatus::skipped);
  CHECK(back.triggers[2].at_iter_passed);
}

TEST_CASE("one that write_back marked is carried out again after training went back to before it", "[resume]") {
  Stage before, marked;
  before.add("done", "1", 15);
  marked.add("done", "1", 15, false, true);  // as the file says since
  TrainState state = before.after(20, {{"done", 15}});
  resume_operations(marked.operations, state);
  CHECK(state.triggers[0].status == OperationStatus::done);
  TrainState back = before.after(10, {});
  resume_operations(marked.operations, back, &state.triggers);
  CHECK(back.triggers[0].status == OperationStatus::pending);
  resume_operations(marked.operations, back);  // and so it is when that run is stopped and resumed
  CHECK(back.triggers[0].status == OperationStatus::pending);
}
