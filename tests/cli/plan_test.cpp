// What plan, and run before its first update, find out about operations.
#include <cstdlib>
#include <filesystem>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> with_edits(std::vector<std::string> words) {
  words.insert(words.end(), {"--plugin", std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so"});
  return words;
}

std::string operation(const std::string& keys) {
  return "\n  [[stage.operation]]\n  " + keys + "\n";
}

}  // namespace

TEST_CASE("plan follows time, not the order of the tables") {
  const Workspace w;
  w.add_to_train_stage(operation("use = \"freeze_layer\"\n  value = \"blocks.2\"\n  when = { after_iters = 220 }") +
                       operation("use = \"widen_mlp\"\n  factor = 2\n  when = { tokens = 12800 }") +
                       operation("use = \"stack_layers\"\n  layers = [0, 1, 0]\n  when = { at_iter = 60 }"));
  const Outcome outcome = w.gptcore({"plan", "tiny.toml", "--json"});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const auto rows = nlohmann::json::parse(outcome.out).at("operations");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("operation") == "stack_layers");
  CHECK(rows[0].at("step") == 60);
  CHECK(rows[1].at("operation") == "widen_mlp");
  CHECK(rows[1].at("step") == 100);  // 4 x 2 x 16 tokens an update
  CHECK(rows[2].at("operation") == "freeze_layer");
  CHECK(rows[2].at("step") == 250);  // the evaluation after it
}

TEST_CASE("an operation that leaves nothing to train is refused by plan and by run") {
  const std::string tables =
      GENERATE(as<std::string>(), operation("use = \"freeze_layer\"\n  value = \"*\"\n  when = { at_iter = 10 }"),
               operation("use = \"set_attn_lora_rank\"\n  value = 2\n  freeze = \"all\"\n  when = { at_iter = 10 }") +
                   operation("use = \"merge_lora_weights\"\n  drop = true\n  unfreeze = false\n  when = { at_iter = 20 }"));
  const Workspace w;
  w.add_to_train_stage(tables);
  for (const char* verb : {"plan", "run"}) {
    const Outcome outcome = w.gptcore({verb, "tiny.toml"});
    CAPTURE(verb, outcome.out, outcome.err);
    CHECK(refusal(outcome) == "GC106");
    CHECK_THAT(outcome.err, Catch::Contains("tiny.toml:") && Catch::Contains("no parameter would be trained any more"));
  }
  CHECK_FALSE(fs::exists(w.path("out")));
}

TEST_CASE("plan finds a control that the dataset lacks") {
  const Workspace w;
  w.add_to_train_stage(operation("use = \"misuses\"\n  when = { at_iter = 10 }"));
  const Outcome outcome = w.gptcore(with_edits({"plan", "tiny.toml"}));
  INFO(outcome.out << outcome.err);
  CHECK(refusal(outcome) == "GC102");
  CHECK_THAT(outcome.err, Catch::Contains("tiny.toml:") && Catch::Contains("no_such_control"));
}

TEST_CASE("plan tells mistakes with the places that config check tells them with") {
  struct Mistake {
    std::string from, to, where;
  };
  const auto mistake =
      GENERATE(Mistake{"\"input.txt\"", "\"nowhere.txt\"", "tiny.toml:12:9: error[GC300]"},
               Mistake{"\"input.txt\"", "\"short.txt\"", "tiny.toml:10:1: error[GC302]"},
               Mistake{"prompt = \"the \"", "prompt = \"FILE:nowhere.txt\"", "tiny.toml:35:10: error[GC300]"},
               Mistake{"[tokenizer]\nuse = \"byte\"\n", "",
                       "error[GC105]: stage 'sample' samples text, but the pipeline has no [tokenizer]"},
               Mistake{"out_dir = \"out\"", "out_dir = \"input.txt\"", "tiny.toml:3:11: error[GC900]"},
               Mistake{"n_layer = 2", "init_from = \"ckpt:nowhere\"\nn_layer = 2", "tiny.toml:15:13: error[GC500]"});
  const Workspace w;
  w.write("short.txt", "a");
  std::string text = read(w.path("tiny.toml"));
  text.replace(text.find(mistake.from), mistake.from.size(), mistake.to);
  w.write("tiny.toml", text);
  const Outcome check = w.gptcore({"config", "check", "tiny.toml"}), plan = w.gptcore({"plan", "tiny.toml"});
  INFO(check.err << plan.err);
  CHECK_THAT(plan.err, Catch::Contains(mistake.where));
  CHECK(plan.err == check.err);
  CHECK(plan.status == check.status);
}

TEST_CASE("a plan is made where the device of the run is not") {
  const Workspace w;
  CHECK(w.gptcore({"plan", "tiny.toml", "--device=cuda:99"}).status == 0);
}

TEST_CASE("a plateau of more evaluations than there are is told") {
  const Workspace w;
  const auto plateau = [&](int evaluations) {
    return operation("use = \"change_lr\"\n  value = 0.5\n  when = { plateau = " + std::to_string(evaluations) + " }");
  };
  w.add_to_train_stage(plateau(8) + plateau(9));  // evaluated at 0, 50, ..., 400
  const Outcome outcome = w.gptcore({"plan", "tiny.toml"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.err, "does not fire").size() == 1);
  CHECK_THAT(outcome.err, Catch::Contains("plateau = 9 needs 10 evaluations, and there are 9"));
}

TEST_CASE("adjust_batch_size works in a stage that has tokens_per_step") {
  const Workspace w;
  w.add_to_train_stage("tokens_per_step = 512\n" +
                       operation("use = \"adjust_batch_size\"\n  max_batch_size = 16\n  when = { at_iter = 10 }"));
  const Outcome outcome = w.train({"--train.max_iters=20", "--train.gradient_accumulation_steps=1"});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const auto edits = records(w.path("out"), "model_edited");
  for (const auto& edit : edits) CHECK(edit.at("changes").size() == 1);  // the batch size alone
  const auto steps = records(w.path("out"), "step_ended");
  CHECK(steps.back().at("tokens").get<int64_t>() % 512 == 0);
}

TEST_CASE("the rank of the adapters that a pipeline starts with is planned") {
  const Workspace w;
  w.add_to_train_stage(operation("use = \"set_attn_lora_rank\"\n  value = 4\n  when = { at_iter = 10 }"));
  w.write("tiny.toml",
          read(w.path("tiny.toml")) + "\n[[adapter]]\nuse = \"lora\"\ntargets = [\"blocks.*.attn.qkv\"]\nrank = 2\n");
  const Outcome outcome = w.gptcore({"plan", "tiny.toml"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
}
