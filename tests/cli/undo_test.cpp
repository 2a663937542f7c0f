// Training that goes back: operations that hurt are undone.
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kGrows = R"(
  [[stage.operation]]
  use = "stack_layers"
  layers = [0, 1, 0]
  when = { at_iter = 60 }
)";

constexpr const char* kHurts = R"(
  [[stage.operation]]
  use = "set_lr"
  value = 3.0
  when = { at_iter = 120 }
  undo_if_worse = 0.05
  judge_after = 2
)";

std::string model(const Workspace& w) {
  return read(newest_checkpoint(w.path("out")) / "model.safetensors");
}

nlohmann::json state(const Workspace& w) {
  return nlohmann::json::parse(read(newest_checkpoint(w.path("out")) / "state.json"));
}

std::vector<std::string> statuses(const Workspace& w) {
  std::vector<std::string> all;
  const auto saved = state(w);
  for (const auto& operation : saved.at("operations")) all.push_back(operation.at("status"));
  return all;
}

}  // namespace

TEST_CASE("an operation that hurts is undone: the run is the one without it") {
  const Workspace without, with;
  without.add_to_train_stage(kGrows);
  with.add_to_train_stage(std::string(kGrows) + kHurts);
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK((model(without) == model(with)));
  CHECK(outcome.err.find("operation 'set_lr' is undone after step 200") != std::string::npos);
  const auto state = nlohmann::json::parse(read(newest_checkpoint(with.path("out")) / "state.json"));
  CHECK(state.at("operations").at(1).at("status") == "undone");
  CHECK(state.at("journal").size() == 2);
  CHECK(state.at("journal").at(1).at("operation") == "undo");
  for (const auto& entry : fs::directory_iterator(with.path("out") / "undo" / "ckpt")) CHECK_FALSE(entry.is_directory());
}

TEST_CASE("operations that were due together with one that is undone are carried out all the same") {
  const char* when = GENERATE("at_iter = 120", "after_iters = 120");
  const std::string set = "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = ",
                    at = std::string("\n  when = { ") + when + " }\n";
  const Workspace without, with;
  const std::string freeze = "\n  [[stage.operation]]\n  use = \"freeze_layer\"\n  value = \"wpe\"" + at;
  without.add_to_train_stage(set + "0.005" + at + freeze);
  with.add_to_train_stage(set + "0.005" + at + set + "3.0" + at + "  undo_if_worse = 0.05\n  judge_after = 2\n" + freeze);
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(statuses(with) == std::vector<std::string>{"done", "undone", "done"});
  CHECK((model(without) == model(with)));
}

TEST_CASE("undoing survives kills before, at and after it") {
  const Workspace whole, broken;
  whole.add_to_train_stage(std::string(kGrows) + kHurts);
  broken.add_to_train_stage(std::string(kGrows) + kHurts);
  REQUIRE(whole.train().status == 0);
  for (const char* place : {"OPERATION_SUCCESS: name=set_lr", "iter 170", "OPERATION_UNDO", "iter 130", "iter 260"}) {
    Process process(broken.training());
    process.wait_for(place);
    process.send(SIGKILL);
    CHECK(process.wait().status == 128 + SIGKILL);
  }
  const Outcome last = broken.train();
  INFO(last.err);
  REQUIRE(last.status == 0);
  CHECK((model(whole) == model(broken)));
}

TEST_CASE("an operation that does not hurt stays") {
  const Workspace w;
  w.add_to_train_stage(std::string(kGrows) + "  undo_if_worse = 5\n");
  REQUIRE(w.train().status == 0);
  const auto state = nlohmann::json::parse(read(newest_checkpoint(w.path("out")) / "state.json"));
  CHECK(state.at("operations").at(0).at("status") == "done");
  CHECK(state.at("undo_points").empty());
}

TEST_CASE("undo takes the last operation back when it is asked") {
  const Workspace without, with;
  without.add_to_train_stage(kGrows);
  with.add_to_train_stage(std::string(kGrows) +
                          "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  when = { at_iter = 120 }\n"
                          "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { at_iter = 170 }\n");
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK((model(without) == model(with)));
}

TEST_CASE("undo that waits for a high val loss takes back a model that computes no numbers any more") {
  const std::vector<std::string> patient = {"--train.on_nonfinite=skip", "--train.max_skips=1000"};
  const Workspace without, with;
  with.add_to_train_stage(
      "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 1e6\n  when = { at_iter = 120 }\n"
      "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { metric = \"val_loss\", above = 1e30 }\n");
  REQUIRE(without.train(patient).status == 0);
  const Outcome outcome = with.train(patient);
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.err, "operation 'set_lr' is undone after step 150").size() == 1);
  CHECK((model(without) == model(with)));
}

TEST_CASE("an undone operation of a sequence leaves the next one where it would have been") {
  constexpr const char* kNext =
      "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 1.5\n  when = { trigger_loss = 0.1, max_wait_iters = 90 }\n";
  const Workspace without, with;
  without.add_to_train_stage(kNext);
  with.add_to_train_stage(
      std::string("\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  when = { trigger_loss = 0.1, max_wait_iters = "
                  "40 }\n  undo_if_worse = 0.05\n") +
      kNext);
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.err);
  CHECK(lines_with(outcome.err, "operation 'set_lr' is undone after step 100").size() == 1);
  CHECK((model(without) == model(with)));
}

TEST_CASE(
    "after an undo later operations draw the numbers they would have drawn without it, and metrics are those without it") {
  constexpr const char* kLater = R"(
  [[stage.operation]]
  use = "widen_mlp"
  factor = 1.5
  noise = 0.02
  when = { at_iter = 240 }

  [[stage.operation]]
  use = "set_attn_lora_rank"
  value = 4
  when = { at_iter = 300 }
)";
  const std::string hurts = GENERATE("120", "150");  // 150: evaluated right after it
  const Workspace without, with;
  without.add_to_train_stage(kLater);
  std::string hurt = kHurts;
  hurt.replace(hurt.find("120"), 3, hurts);
  with.add_to_train_stage(hurt + kLater);
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(outcome.err.find("is undone after step") != std::string::npos);
  CHECK((model(without) == model(with)));
  for (const char* event : {"evaluation_ended", "step_ended"}) {
    const auto there = records(without.path("out"), event), here = records(with.path("out"), event);
    REQUIRE(there.size() == here.size());
    for (size_t i = 0; i < there.size(); ++i)
      for (const char* key : {"step", "val_loss", "loss", "best"}) CHECK(there[i].value(key, 0.0) == here[i].value(key, 0.0));
  }
  const auto told = records(with.path("out"), "operation");
  CHECK(std::count_if(told.begin(), told.end(), [](const auto& r) { return r.at("phase") == "undo"; }) == 1);
}

TEST_CASE("an undo takes back which model is the best, and what patience has counted") {
  const Workspace w;
  w.add_to_train_stage(
      "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  when = { at_iter = 120 }\n"
      "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { at_iter = 310 }\n");
  Process process(w.training({"--train.patience=50", "--train.min_delta=5"}));
  process.wait_for("OPERATION_UNDO");
  process.wait_for("step-000000120\n");
  process.send(SIGKILL);
  REQUIRE(process.wait().status == 128 + SIGKILL);
  const auto evaluations = records(w.path("out"), "evaluation_ended");
  REQUIRE(evaluations.back().at("step") == 100);
  const auto folder = w.path("out") / "ckpt";
  const auto state = nlohmann::json::parse(read(folder / "step-000000120" / "state.json"));
  CHECK(state.at("step") == 120);
  CHECK(state.at("best_val_loss") == evaluations.back().at("val_loss"));
  CHECK(state.at("evaluations_since_best") == 2);  // 50 and 100
  CHECK(read(folder / "BEST") == "step-000000100\n");
  CHECK(fs::exists(folder / "step-000000100" / "model.safetensors"));
  const Outcome rest = w.train({"--train.patience=50", "--train.min_delta=5"});
  INFO(rest.err);
  CHECK(rest.status == 0);
}

TEST_CASE("a run that grew twice by the same operation can be undone") {
  const char* twice = R"(
  [[stage.operation]]
  use = "widen_mlp"
  value = 96
  when = { at_iter = 40 }
  [[stage.operation]]
  use = "widen_mlp"
  value = 128
  when = { at_iter = 60 }
)";
  const Workspace without, with;
  without.add_to_train_stage(twice);
  with.add_to_train_stage(std::string(twice) + kHurts);
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK((model(without) == model(with)));
}

TEST_CASE("undo waits until there is something to undo") {
  const std::string times = GENERATE("", ", times = \"unlimited\"");
  const Workspace without, with;
  with.add_to_train_stage(
      std::string("  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  when = { at_iter = 120 }\n") +
      "  [[stage.operation]]\n  use = \"undo\"\n  when = { metric = \"val_loss\", above = 0.0" + times + " }\n");
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK((model(without) == model(with)));
  CHECK(outcome.err.find("operation 'set_lr' is undone after step 150") != std::string::npos);
  CHECK(lines_with(outcome.err, "has nothing to undo: no operation was carried out in this stage").size() ==
        (times.empty() ? 1 : 2));  // before it, and after going back
}

TEST_CASE("undo added on resume leaves what was carried out before") {
  const Workspace w;
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"set_lr\"\n  value = 0.005\n  when = { at_iter = 5 }\n");
  REQUIRE(w.train(kShort).status == 0);
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"undo\"\n  when = { at_iter = 25 }\n");
  const Outcome rest = w.train({"--train.max_iters=30"});
  INFO(rest.err);
  CHECK(rest.status == 0);
  CHECK(lines_with(rest.err, "after step 25 has nothing to undo: what was carried out came before anything asked for undo")
            .size() == 1);
}

TEST_CASE("config check and plan take undo where a run goes on, as run does") {
  const Workspace w;
  const std::string plain = read(w.path("tiny.toml"));
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"undo\"\n  when = { at_iter = 25 }\n");
  const std::string text = read(w.path("tiny.toml"));
  CHECK(refusal(w.gptcore({"config", "check", "tiny.toml"})) == "GC106");
  w.write("tiny.toml", plain);
  w.add_to_train_stage(
      "  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  undo_if_worse = 9.0\n  judge_after = 9\n  "
      "when = { at_iter = 15 }\n");
  const Outcome begun = w.train({"--train.max_iters=20"});
  INFO(begun.err);
  REQUIRE(begun.status == 0);
  w.write("tiny.toml", text);
  const std::string longer = "--train.max_iters=30";
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"config", "check"}, {"plan"}, {"run"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.end(), {"tiny.toml", longer});
    const Outcome outcome = w.gptcore(words);
    INFO(verb.front() << outcome.err);
    CHECK(outcome.status == 0);
    if (verb.front() == "run") CHECK(lines_with(outcome.err, "operation 'widen_mlp' is undone after step 25").size() == 1);
  }
}

TEST_CASE("metrics.jsonl tells operations that are carried out again after an undo once, whatever their names are") {
  const std::string set = "\n  [[stage.operation]]\n  use = \"set_lr\"\n  when = { at_iter = 6 }\n  value = ",
                    freeze = "\n  [[stage.operation]]\n  use = \"freeze_layer\"\n  when = { at_iter = 6 }\n  value = \"wpe\"\n";
  const Workspace w;
  w.add_to_train_stage(set + "3.0\n  undo_if_worse = 0.0\n" + freeze + set + "2.5\n");
  const Outcome outcome = w.train({"--train.max_iters=12", "--train.eval_interval=4"});
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::vector<std::string> told;
  for (const auto& record : records(w.path("out"), "operation"))
    if (record.at("phase") != "start")
      told.push_back(record.at("operation").get<std::string>() + " " + record.at("phase").get<std::string>());
  CHECK(told == std::vector<std::string>{"set_lr success", "set_lr undo", "freeze_layer success", "set_lr success"});
  CHECK(records(w.path("out"), "model_edited").size() == 3);
}

TEST_CASE("undo with nothing to undo is refused before the run") {
  const Workspace w;
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"undo\"\n  when = { at_iter = 170 }\n");
  const Outcome outcome = w.train();
  CHECK(refusal(outcome) == "GC106");
  CHECK(outcome.err.find("there is none to undo") != std::string::npos);
  CHECK_FALSE(fs::exists(w.path("out")));
}

namespace {

constexpr const char* kSetsRate = "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  when = { at_iter = 120 }\n";

// Trains until an operation waits to be undone, and then damages what that would go back to.
void stop_with_damaged_point(const Workspace& w, bool gone) {
  Process process(w.training());
  process.wait_for("iter 170");
  process.send(SIGKILL);
  REQUIRE(process.wait().status == 128 + SIGKILL);
  const fs::path points = w.path("out") / "undo" / "ckpt";
  if (gone)
    fs::remove_all(points);
  else
    for (const auto& entry : fs::directory_iterator(points))
      if (entry.is_directory()) fs::resize_file(entry.path() / "model.safetensors", 100);
}

}  // namespace

TEST_CASE("an operation that hurts and cannot be undone is told, and the run goes on with it") {
  const bool gone = GENERATE(true, false);
  const Workspace without, with;
  without.add_to_train_stage(kSetsRate);
  with.add_to_train_stage(kHurts);
  REQUIRE(without.train().status == 0);
  stop_with_damaged_point(with, gone);
  const Outcome outcome = with.train();
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.err, "operation 'set_lr' cannot be undone after step 200").size() == 1);
  CHECK(statuses(with).at(0) == "done");
  CHECK(state(with).at("undo_points").empty());
  CHECK((model(without) == model(with)));
}

TEST_CASE("undo that cannot go back fails by on_error, and with \"skip\" waits for the next operation") {
  const bool gone = GENERATE(true, false);
  const std::string undo = "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { metric = \"val_loss\", above = 0.0 }\n",
                    later = "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  when = { at_iter = 320 }\n";
  const Workspace without, with;
  without.add_to_train_stage(kSetsRate);
  with.add_to_train_stage(kSetsRate + later + undo);
  const std::vector<std::string> late = {"--train.eval_interval=100", "--train.checkpoint_interval=50"};
  REQUIRE(without.train(late).status == 0);
  std::string text = read(with.path("tiny.toml"));
  text.replace(text.find("eval_interval = 50"), 18, "eval_interval = 100\ncheckpoint_interval = 50");
  with.write("tiny.toml", text);
  stop_with_damaged_point(with, gone);
  const Outcome stopped = with.train();
  INFO(stopped.err);
  CHECK(stopped.status == 5);
  CHECK(lines_with(stopped.err, "operation 'undo' after step 200: operation 'set_lr' cannot be undone: ").size() == 1);
  CHECK(lines_with(stopped.err, "set on_error = \"skip\" for 'undo' to go on without undoing").size() == 1);
  CHECK(statuses(with) == std::vector<std::string>{"done", "pending", "pending"});
  text.replace(text.find("use = \"undo\""), 12, "use = \"undo\"\n  on_error = \"skip\"");
  with.write("tiny.toml", text);
  const Outcome outcome = with.train();
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.out, "OPERATION_ERROR: name=undo").size() == 1);
  CHECK(lines_with(outcome.err, "what it would go back to is lost; it stays pending").size() >= 1);
  CHECK(lines_with(outcome.err, "operation 'widen_mlp' is undone after step 400").size() == 1);
  CHECK(statuses(with) == std::vector<std::string>{"done", "undone", "done"});
  CHECK((model(without) == model(with)));
}

TEST_CASE("undo in a sequence with nothing to undo is over when its turn comes, and the sequence goes on") {
  const std::string fails =  // in front of it, so that there may be something to undo
      "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  undo_if_worse = 0.05\n  when = { trigger_loss = 0.1, "
      "max_wait_iters = 90 }\n";
  const std::string undo = "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { trigger_loss = 0.1, max_wait_iters = 150 }\n",
                    freeze =
                        "\n  [[stage.operation]]\n  use = \"freeze_layer\"\n  value = \"wpe\"\n  when = { trigger_loss = 0.1, "
                        "max_wait_iters = 100 }\n";
  const Workspace w;
  w.add_to_train_stage(fails + undo + freeze);
  const Outcome outcome = w.train();
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(lines_with(outcome.err, "operation 'set_lr' is undone after step 150").size() == 1);
  CHECK(lines_with(outcome.err, "operation 'undo' after step 150 has nothing to undo: ").size() == 1);
  CHECK(lines_with(outcome.err, "its turn in the sequence is over").size() == 1);
  CHECK(statuses(w) == std::vector<std::string>{"undone", "done", "done"});
}

TEST_CASE("undo that comes first in a sequence is refused before the run, by config check too") {
  const std::string
      undo = "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { trigger_loss = 2.0, max_wait_iters = 50 }\n",
      rate =
          "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  when = { trigger_loss = 2.0, max_wait_iters = "
          "50 }\n";
  const Workspace first, last;
  first.add_to_train_stage(undo + rate);
  last.add_to_train_stage(rate + undo);
  CHECK(refusal(first.train()) == "GC106");
  CHECK(refusal(first.gptcore({"config", "check", "tiny.toml"})) == "GC106");
  CHECK(last.gptcore({"config", "check", "tiny.toml"}).status == 0);
}

TEST_CASE("what was undone stays undone, and what undoes counts each time, whatever is gone back to") {
  const Workspace without, with;
  with.add_to_train_stage(
      "\n  [[stage.operation]]\n  use = \"freeze_layer\"\n  value = \"wpe\"\n  when = { at_iter = 100 }\n"
      "\n  [[stage.operation]]\n  use = \"change_lr\"\n  value = 1.5\n  when = { at_iter = 120 }\n"
      "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { every = 130, times = 2 }\n");
  REQUIRE(without.train().status == 0);
  const Outcome outcome = with.train();
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(statuses(with) == std::vector<std::string>{"undone", "undone", "done"});
  CHECK(state(with).at("operations").at(2).at("fired") == 2);
  CHECK(lines_with(outcome.err, "is undone after step 130").size() == 2);
  CHECK((model(without) == model(with)));
}

TEST_CASE("operations on trial in another model cannot be undone any more, and the run goes on") {
  const Workspace w;
  std::string hurt = kHurts;
  hurt.replace(hurt.find("120"), 3, "90").replace(hurt.find("judge_after = 2"), 15, "judge_after = 3");
  w.add_to_train_stage(hurt);
  REQUIRE(w.train({"--train.max_iters=100", "--train.lr_decay_iters=400"}).status == 0);
  REQUIRE(state(w).at("undo_points").size() == 1);
  const Outcome outcome = w.train({"--model.n_layer=3", "--allow-arch-change", "--train.lr_decay_iters=400"});
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.err, "cannot be undone").size() == 1);
  CHECK(statuses(w) == std::vector<std::string>{"done"});
}

TEST_CASE("after an undo no model of the undone time is the best, and the best one is still there") {
  const Workspace w;
  w.add_to_train_stage(
      "\n  [[stage.operation]]\n  use = \"set_lr\"\n  value = 0.0\n  when = { at_iter = 20 }\n"  // 20 is best from here on
      "\n  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  noise = 0.1\n  when = { at_iter = 50 }\n"
      "\n  [[stage.operation]]\n  use = \"undo\"\n  when = { at_iter = 60 }\n");
  const Outcome outcome =
      w.train({"--train.keep_checkpoints=1", "--train.max_iters=70", "--train.eval_interval=10", "--run.seed=4"});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  // The noise of this seed helps.
  REQUIRE(lines_with(outcome.out, "best checkpoint: " + (w.path("out/ckpt") / "step-000000050").string()).size() == 1);
  const auto folder = w.path("out") / "ckpt";
  CHECK(read(folder / "BEST") == "step-000000020\n");
  CHECK(fs::exists(folder / "step-000000020" / "model.safetensors"));
  CHECK_FALSE(fs::exists(folder / "best-000000050"));
}
