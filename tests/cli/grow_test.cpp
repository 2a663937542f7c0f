// A model that grows, freezes, is adapted and merged while it trains: killed anywhere it goes on as the same run, and a
// schedule that cannot work is refused at its line before anything is computed.
#include <signal.h>

#include <filesystem>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSchedule = R"(
  [[stage.operation]]
  use = "stack_layers"
  layers = [0, 1, 0]
  when = { at_iter = 40 }

  [[stage.operation]]
  use = "widen_mlp"
  factor = 1.5
  noise = 1e-4
  when = { at_iter = 80 }

  [[stage.operation]]
  use = "freeze_layer"
  layers = ["wpe", "mlp.0"]
  when = { at_iter = 100 }

  [[stage.operation]]
  use = "set_attn_lora_rank"
  value = 4
  alpha = 8
  when = { at_iter = 120 }

  [[stage.operation]]
  use = "resize_lora_rank"
  value = 6
  when = { at_iter = 150 }

  [[stage.operation]]
  use = "set_attn_lora_rank"
  value = 0
  when = { at_iter = 180 }

  [[stage.operation]]
  use = "unfreeze_layer"
  value = "*"
  when = { at_iter = 200 }

  [[stage.operation]]
  use = "widen_embedding"
  factor = 2.0
  noise = 1e-2
  when = { at_iter = 240 }
)";

}  // namespace

TEST_CASE("a growing run, killed before, during and after its operations, ends byte-identical") {
  const Workspace whole, broken;
  whole.add_to_train_stage(kSchedule);
  broken.add_to_train_stage(kSchedule);
  const Outcome undisturbed = whole.train();
  INFO(undisturbed.out << undisturbed.err);
  REQUIRE(undisturbed.status == 0);
  CHECK(records(whole.path("out"), "model_edited").size() >= 8);
  for (const char* place :
       {"iter 10", "OPERATION_START: name=stack_layers", "iter 60", "OPERATION_SUCCESS: name=widen_mlp",
        "OPERATION_START: name=set_attn_lora_rank", "iter 130", "OPERATION_SUCCESS: name=resize_lora_rank", "iter 170",
        "OPERATION_SUCCESS: name=unfreeze_layer", "OPERATION_START: name=widen_embedding", "iter 270"}) {
    Process process(broken.training());
    process.wait_for(place);
    process.send(SIGKILL);
    CHECK(process.wait().status == 128 + SIGKILL);
  }
  const Outcome last = broken.train();
  INFO(last.err);
  REQUIRE(last.status == 0);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"})
    CHECK((read(newest_checkpoint(whole.path("out")) / file) == read(newest_checkpoint(broken.path("out")) / file)));
}

TEST_CASE("the best model is the one that was evaluated, though an operation changed it right then") {
  const Workspace w;
  w.add_to_train_stage(
      "  [[stage.operation]]\n  use = \"widen_mlp\"\n  factor = 2\n  when = { trigger_loss = 0.0, max_wait_iters = 100 }\n");
  const Outcome outcome = w.train({"--set", "train.max_iters=100"});
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const auto folder = w.path("out") / "ckpt";
  REQUIRE(read(folder / "BEST") == "best-000000100\n");
  const auto size = [&](const char* name) { return fs::file_size(folder / name / "model.safetensors"); };
  CHECK(size("step-000000100") > size("best-000000100"));
  CHECK(w.gptcore({"sample", "out"}).status == 0);
}

TEST_CASE("what cannot work in a schedule is found by plan and by run, at its line, before a folder is made") {
  struct Mistake {
    const char *tables, *code, *said;
  };
  const auto mistake = GENERATE(values<Mistake>({
      {"use = \"stack_layer\"\nlayers = [0]", "GC101", "did you mean 'stack_layers'?"},
      {"use = \"stack_layers\"\nlayers = [0, 7]", "GC104", "there is no block 7"},
      {"use = \"stack_layers\"\nlayers = []", "GC1", "stack_layers"},
      {"use = \"widen_mlp\"\nhidden = 8", "GC1", "8"},
      {"use = \"widen_embedding\"\nfactor = 1.5", "GC1", "whole factor"},
      {"use = \"widen_embedding\"\nn_embd = 100", "GC104", "name a whole multiple"},
      {"use = \"freeze_layer\"\nvalue = \"atn.0\"", "GC101", "did you mean"},
      {"use = \"set_lr\"\nvalue = \"fast\"", "GC1", "value"},
      {"use = \"set_attn_lora_rank\"\nvalue = 4096", "GC104", "4096"},
      {"use = \"resize_vocabulary\"\nsize = 3", "GC1", "3"},
      {"use = \"merge_lora_weight\"", "GC101", "did you mean 'merge_lora_weights'?"},
  }));
  const Workspace w;
  w.add_to_train_stage(std::string("  [[stage.operation]]\nwhen = { at_iter = 5 }\n") + mistake.tables + "\n");
  CAPTURE(mistake.tables);
  for (const char* verb : {"plan", "run"}) {
    const Outcome outcome = w.gptcore({verb, "tiny.toml"});
    CAPTURE(verb, outcome.out, outcome.err);
    CHECK(outcome.status != 0);
    CHECK(outcome.status < 128);
    CHECK(refusal(outcome).starts_with(mistake.code));
    CHECK(outcome.err.find("tiny.toml:") != std::string::npos);
    CHECK((outcome.err.find(mistake.said) != std::string::npos));
  }
  CHECK_FALSE(fs::exists(w.path("out")));
}

TEST_CASE("plan prints what every operation changes, without computing anything") {
  const Workspace w;
  w.add_to_train_stage(kSchedule);
  const Outcome outcome = w.gptcore({"plan", "tiny.toml"});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  for (const char* part :
       {"stack_layers  when at_iter = 40", "+ blocks.2.attn.qkv.weight", "widen_mlp", "embedding of width 32, noise 0.01",
        "freeze", "loss change none: logits move by at most 0.0001", "merge and drop adapters"})
    CHECK_THAT(outcome.out, Catch::Contains(part));
  CHECK_FALSE(fs::exists(w.path("out")));
}

TEST_CASE("a resumed run with another architecture is refused, or keeps what fits when it is told to") {
  const Workspace w;
  REQUIRE(w.train().status == 0);
  const Outcome refused = w.train({"--model.n_layer=3", "--train.max_iters=410"});
  CHECK(refused.status == 5);
  CHECK_THAT(refused.err, Catch::Contains("model.n_layer is 3 here and") && Catch::Contains("--allow-arch-change"));
  const Outcome allowed = w.train({"--model.n_layer=3", "--train.max_iters=410", "--allow-arch-change"});
  INFO(allowed.err);
  CHECK(allowed.status == 0);
  CHECK_THAT(allowed.err, Catch::Contains("model.n_layer: ") && Catch::Contains("-> 3") && Catch::Contains("start anew"));
}

TEST_CASE("--allow-arch-change compares no loss with those of the model before, whose best checkpoint is kept") {
  const Workspace w;
  const std::vector<std::string> keys = {"--train.eval_interval=10", "--patience=2", "--learning_rate=1e-6", "--min_lr=0"};
  REQUIRE(w.train({"--train.max_iters=40", "--train.eval_interval=10"}).status == 0);
  const fs::path ckpt = w.path("out") / "ckpt";
  const auto state = [](const fs::path& checkpoint) { return nlohmann::json::parse(read(checkpoint / "state.json")); };
  REQUIRE(read(ckpt / "BEST") == "step-000000040\n");
  const std::string weights = read(ckpt / "step-000000040/model.safetensors");
  std::vector<std::string> other = {"--model.n_embd=8", "--train.max_iters=70", "--allow-arch-change", "--keep_checkpoints=1"};
  other.insert(other.end(), keys.begin(), keys.end());
  const Outcome outcome = w.train(other);
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.err, Catch::Contains("earlier losses are of another model and do not compare with later ones") &&
                              Catch::Contains("the best checkpoint until then, of step 40, is kept"));
  const auto evaluations = records(w.path("out"), "evaluation_ended");
  double best = 1e9;  // of the new model
  for (const auto& e : evaluations)
    if (e.at("step") > 40) best = std::min(best, e.at("val_loss").get<double>());
  CHECK(state(newest_checkpoint(w.path("out"))).at("best_val_loss").get<double>() == best);
  CHECK(read(ckpt / "best-000000040/model.safetensors") == weights);
  CHECK(read(ckpt / "BEST") != "best-000000040\n");
  other[0] = "--model.n_embd=4";  // and once more
  other[1] = "--train.max_iters=80";
  REQUIRE(w.train(other).status == 0);
  CHECK(read(ckpt / "best-000000040/model.safetensors") == weights);
}
