// Runs that are stopped and go on with other operations: look at the curve, then grow.
#include <signal.h>

#include <cstdlib>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;

namespace {

constexpr const char* kSlower = "\n  [[stage.operation]]\n  use = \"change_lr\"\n  value = 0.5\n  when = { at_iter = 60 }\n";
constexpr const char* kFreeze =
    "\n  [[stage.operation]]\n  use = \"freeze_layer\"\n  value = \"wpe\"\n  when = { at_iter = 300 }\n";
constexpr const char* kGrow =
    "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 1.5\n  noise = 0.02\n  when = { at_iter = 240 }\n";

// Trains until about that update.
void stop_midway(const Workspace& w, const std::string& iter = "150") {
  Process process(w.training());
  process.wait_for("iter " + iter + ":");
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

// Hurts at update 120, and is judged at 400.
constexpr const char* kHurts =
    "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  when = { at_iter = 120 }\n  undo_if_worse = 0.05\n  "
    "judge_after = 6\n";

void change(const Workspace& w, const std::string& from, const std::string& to) {
  std::string text = read(w.path("tiny.toml"));
  REQUIRE(text.find(from) != std::string::npos);
  text.replace(text.find(from), from.size(), to);
  w.write("tiny.toml", text);
}

// The updates after which an operation was carried out, as the console told.
Strings carried_out(const Workspace& w, const std::string& name) {
  Strings steps;
  for (const auto& r : records(w.path("out"), "operation"))
    if (r.at("phase") == "success" && r.at("operation") == name) steps.push_back(r.at("iter").dump());
  return steps;
}

std::string operation(const std::string& use, const std::string& arguments, const std::string& when) {
  return "\n  [[stage.operation]]\n  use = \"" + use + "\"\n  " + arguments + "\n  when = { " + when + " }\n";
}

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

TEST_CASE("an operation that names the update just made comes right after it, though its evaluation left a best checkpoint") {
  constexpr const char* kNow =
      "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 1.5\n  noise = 0.02\n  when = { at_iter = 100 }\n";
  const Strings until_200 = {"--train.max_iters=200", "--train.lr_decay_iters=200"};
  const Workspace whole, stopped;
  whole.add_to_train_stage(kNow);
  REQUIRE(whole.train(until_200).status == 0);
  REQUIRE(stopped.train({"--train.max_iters=100", "--train.lr_decay_iters=200"}).status == 0);
  REQUIRE(std::filesystem::exists(newest_checkpoint(stopped.path("out")) / "best"));
  stopped.add_to_train_stage(kNow);
  const Outcome rest = stopped.train(until_200);
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(carried_out(stopped, "widen_mlp") == Strings{"100"});
  CHECK((model(whole) == model(stopped)));
  CHECK((read(newest_checkpoint(whole.path("out")) / "optimizer.safetensors") ==
         read(newest_checkpoint(stopped.path("out")) / "optimizer.safetensors")));
}

TEST_CASE("a trial that is past a judge_after changed on resume is judged at the next evaluation, and the change is told") {
  const Workspace w;
  w.add_to_train_stage(kHurts);
  stop_midway(w, "310");  // evaluated four times since
  change(w, "judge_after = 6", "judge_after = 2");
  const Outcome rest = w.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "resume: ").size() == 1);
  CHECK(lines_with(rest.err,
                   "'set_lr' (value = 3.0, when at_iter = 120) has changed: judge_after: 6 -> 2; it was carried out after "
                   "update 120 of the stage, which is judged by what the table says now")
            .size() == 1);
  CHECK(lines_with(rest.err, "'set_lr' is undone after step 350").size() == 1);
  CHECK(statuses(w) == Strings{"set_lr undone"});
}

TEST_CASE("a trial whose undo_if_worse is taken out on resume is over, and that is told") {
  const Workspace w;
  w.add_to_train_stage(kHurts);
  stop_midway(w, "310");
  change(w, "undo_if_worse = 0.05\n  judge_after = 6", "on_error = \"skip\"");
  const Outcome rest = w.train();
  INFO(rest.out << rest.err);
  CHECK(lines_with(
            rest.err,
            "has changed: judge_after: 6 -> 1, on_error: \"stop\" -> \"skip\", undo_if_worse: 0.05 -> absent; it was carried "
            "out after update 120 of the stage, which stays")
            .size() == 1);
  CHECK(statuses(w) == Strings{"set_lr done"});
  CHECK(nlohmann::json::parse(read(newest_checkpoint(w.path("out")) / "state.json")).at("undo_points").empty());
}

TEST_CASE("an operation that is completed on resume is passed over from then on, and one that no longer is comes again") {
  constexpr const char* kRepeats =
      "\n  [[stage.operation]]\n  use = \"change_lr\"\n  value = 0.9\n  when = { every = 50 }\n  completed = false\n";
  const Workspace w;
  w.add_to_train_stage(kRepeats);
  stop_midway(w, "110");
  change(w, "completed = false", "completed = true");
  {
    Process process(w.training());
    process.wait_for("iter 210:");
    process.send(SIGINT);
    const Outcome middle = process.wait();
    INFO(middle.err);
    CHECK(lines_with(middle.err,
                     "'change_lr' (value = 0.9, when every = 50) has changed: completed: false -> true; it was carried out 2 "
                     "times, last after update 100 of the stage, and is not again")
              .size() == 1);
  }
  CHECK(carried_out(w, "change_lr") == Strings{"50", "100"});
  CHECK(statuses(w) == Strings{"change_lr skipped"});
  change(w, "completed = true", "completed = false");
  const Outcome rest = w.train();
  INFO(rest.err);
  CHECK(lines_with(rest.err, "completed: true -> false; it was passed over").size() == 1);
  CHECK(carried_out(w, "change_lr") == Strings{"50", "100", "250", "300", "350", "400"});
}

TEST_CASE("an operation told to have come too late does not come after another's undo either") {
  const Workspace w;
  w.add_to_train_stage(kHurts);
  stop_midway(w, "310");
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  when = { at_iter = 200 }\n");
  const Outcome rest = w.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "at_iter = 200 has passed").size() == 1);
  CHECK(lines_with(rest.err, "'set_lr' is undone after step 400").size() == 1);
  CHECK(carried_out(w, "widen_mlp").empty());
}

TEST_CASE("a run that grew twice by the same operation goes on as if it had not been stopped") {
  const std::string twice =
      operation("widen_mlp", "value = 96", "at_iter = 60") + operation("widen_mlp", "value = 128", "at_iter = 120");
  const Workspace whole, stopped;
  whole.add_to_train_stage(twice);
  stopped.add_to_train_stage(twice);
  REQUIRE(whole.train().status == 0);
  stop_midway(stopped);
  const Outcome rest = stopped.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK((model(whole) == model(stopped)));
}

TEST_CASE("what a run has outgrown stands in the way neither of more updates nor of an evaluation") {
  const auto [use, small, large] =
      GENERATE(table<std::string, std::string, std::string>({{"widen_mlp", "value = 96", "value = 128"},
                                                             {"widen_embedding", "n_embd = 32", "n_embd = 64"},
                                                             {"resize_vocabulary", "size = 260", "size = 300"}}));
  CAPTURE(use);
  const Workspace w;
  w.add_to_train_stage(operation(use, small, "at_iter = 5") + operation(use, large, "at_iter = 10"));
  REQUIRE(w.train(kShort).status == 0);
  const Outcome evaluated = w.train({"--train.max_iters=20", "--train.eval_only"});
  INFO(evaluated.err);
  CHECK(evaluated.status == 0);
  CHECK(w.train({"--train.max_iters=25"}).status == 0);
  change(w, "at_iter = 5 }", "at_iter = 5 }\n  completed = true");
  CHECK(w.train({"--train.max_iters=30"}).status == 0);
  change(w, "kind = \"sample\"\nprompt = \"the \"\nmax_new_tokens = 40",
         "kind = \"train\"\nname = \"more\"\nmax_iters = 5\n" + operation(use, large, "at_iter = 2"));
  CHECK(w.train({"--train.max_iters=30"}).status == 0);
  const Outcome later = w.train({"--train.max_iters=30", "--more.max_iters=8"});  // from a checkpoint of the later stage
  INFO(later.err);
  CHECK(later.status == 0);
}

TEST_CASE("an operation that the model outgrew while it waited ends no run that it would not have ended") {
  const std::string waits = operation("widen_mlp", "value = 96", "metric = \"val_loss\", below = 0.0"),
                    grows = operation("widen_mlp", "value = 128", "at_iter = 60");
  const Workspace whole, stopped;
  whole.add_to_train_stage(waits + grows);
  stopped.add_to_train_stage(waits + grows);
  REQUIRE(whole.train().status == 0);
  stop_midway(stopped);
  const Outcome rest = stopped.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "operation 'widen_mlp' does not fit the model as it is now").size() == 1);
  CHECK((model(whole) == model(stopped)));
  change(stopped, "below = 0.0", "below = 100.0");
  const Outcome changed = stopped.train({"--train.max_iters=450"});
  CHECK(refusal(changed) == "GC104");
}

TEST_CASE("an operation of a later stage that the model outgrew before ends no run that it would not have ended") {
  const Workspace whole, stopped;
  for (const Workspace* w : {&whole, &stopped}) {
    w->add_to_train_stage(operation("stack_layers", "value = [0, 1, 0]", "at_iter = 60"));
    change(*w, "[run]",
           "[plugins]\nload = [\"" + std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so\"]\n\n[run]");
    change(*w, "kind = \"sample\"\nprompt = \"the \"\nmax_new_tokens = 40",
           "kind = \"train\"\nname = \"more\"\nmax_iters = 20\neval_interval = 10\n" +
               operation("fails", "how = \"open_deep\"", "metric = \"val_loss\", below = 0.0"));
  }
  REQUIRE(whole.train().status == 0);
  stop_midway(stopped);
  const std::string pipeline = read(stopped.path("tiny.toml"));
  change(stopped, "below = 0.0", "below = 0.1");
  CHECK(refusal(stopped.train()) == "GC106");  // as any operation that is new
  stopped.write("tiny.toml", pipeline);
  const Outcome rest = stopped.train();
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "operation 'fails' does not fit the model as it is now").size() == 1);
  CHECK((model(whole) == model(stopped)));
}

TEST_CASE("a setting changed on resume replaces what an operation had set") {
  const Workspace w;
  w.add_to_train_stage(operation("set_lr", "value = 0.5", "at_iter = 5") +
                       operation("set_batch_size", "value = 6", "at_iter = 5"));
  REQUIRE(w.train(kShort).status == 0);
  const Outcome rest = w.train({"--train.max_iters=30", "--train.learning_rate=2e-3"});
  INFO(rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "resume: train.learning_rate = 0.002 replaces 0.5, which an operation had set").size() == 1);
  CHECK(lines_with(rest.err, "which an operation had set").size() == 1);
  const auto state = nlohmann::json::parse(read(newest_checkpoint(w.path("out")) / "state.json"));
  CHECK(state.at("changed_settings") == nlohmann::json{{"batch_size", "6"}});
  CHECK(records(w.path("out"), "step_ended").back().at("lr").get<double>() <= 2e-3);
  REQUIRE(w.train({"--train.max_iters=40", "--train.learning_rate=2e-3"}).status == 0);
  CHECK(records(w.path("out"), "step_ended").back().at("lr").get<double>() <= 2e-3);
}

TEST_CASE("an evaluator of layers that come later measures them when they are there, resumed or not") {
  const std::string measures = "\n  [[stage.evaluator]]\n  use = \"model_analysis\"\n  layers = [\"blocks.2.attn.qkv\"]\n",
                    grows = operation("stack_layers", "value = [0, 1, 0]", "at_iter = 240");
  const auto numbers = [](const Workspace& w) {
    std::vector<std::pair<int64_t, double>> all;
    for (const auto& r : records(w.path("out"), "evaluation_ended"))
      if (r.contains("model_analysis.mean.weight_norm"))
        all.emplace_back(r.at("step"), r.at("model_analysis.mean.weight_norm").get<double>());
    return all;
  };
  const Workspace whole, stopped;
  whole.add_to_train_stage(measures + grows);
  stopped.add_to_train_stage(measures + grows);
  const Outcome outcome = whole.train();
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(lines_with(outcome.err, "evaluator 'model_analysis' failed three times in a row and is switched off").size() == 1);
  CHECK(lines_with(outcome.err, "evaluator 'model_analysis' is on again: operation 'stack_layers' has changed").size() == 1);
  CHECK(numbers(whole).size() == 4);  // of updates 250 to 400
  stop_midway(stopped);
  const Outcome rest = stopped.train();
  INFO(rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "evaluator 'model_analysis' stays switched off").size() == 1);
  CHECK(lines_with(rest.err, "evaluator 'model_analysis' failed").empty());
  CHECK(numbers(stopped) == numbers(whole));
}
