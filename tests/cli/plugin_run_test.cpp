// Runs with plugins of every kind that acts during training: what they do, and what becomes of those that fail.
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> with_edits(std::vector<std::string> words = {}) {
  words.insert(words.begin(), {"--plugin", std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so"});
  return words;
}

// tiny.toml with more tables.
void write_pipeline(const Workspace& w, const std::string& of_stage, const std::string& root = "") {
  w.add_to_train_stage(of_stage);
  w.write("tiny.toml", read(w.path("tiny.toml")) + root);
}

void write_edited(const Workspace& w) {
  write_pipeline(w, R"(
  [[stage.operation]]
  use = "edits"

  [[stage.evaluator]]
  use = "mean"
)",
                 "\n[[adapter]]\nuse = \"shift\"\ntargets = [\"blocks.*.attn.qkv\"]\ntrain_base = true\n");
}

}  // namespace

TEST_CASE("a run with operations, adapters and frozen layers, killed again and again, ends byte-identical") {
  const Workspace whole, broken;
  write_edited(whole);
  write_edited(broken);
  const Outcome undisturbed = whole.train(with_edits());
  INFO(undisturbed.out << undisturbed.err);
  REQUIRE(undisturbed.status == 0);
  for (const char* place : {"edits: learning_rate", "step 50:", "iter 13", "step 200:", "iter 37"}) {
    Process process(broken.training(with_edits()));
    process.wait_for(place);
    process.send(SIGKILL);
    REQUIRE(process.wait().status == 128 + SIGKILL);
  }
  REQUIRE(broken.train(with_edits()).status == 0);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"})
    CHECK((read(newest_checkpoint(whole.path("out")) / file) == read(newest_checkpoint(broken.path("out")) / file)));

  const auto evaluations = records(whole.path("out"), "evaluation_ended");
  REQUIRE(!evaluations.empty());
  for (const auto& e : evaluations) CHECK(e.contains("mean.mean"));
  CHECK(records(whole.path("out"), "item_evaluated").size() == evaluations.size());
  const auto edits = records(whole.path("out"), "model_edited");
  REQUIRE(edits.size() == 10);
  CHECK(edits[2].at("changes").at(0) == "batch_size = 6");
}

TEST_CASE("an operation that throws ends the run with one line that names plugin, item, hook, step and rank") {
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  when = { at_iter = 7 }\n");
  const Outcome outcome = w.train(with_edits());
  CHECK(outcome.status == 3);
  CHECK(refusal(outcome) == "GC202");
  CHECK(outcome.err.find("plugin 'edits', operation 'fails', in plan(), step 7, rank 0: out of ideas") != std::string::npos);
  CHECK(records(w.path("out"), "failed").size() == 1);
  CHECK(records(w.path("out"), "run_ended").size() == 1);
}

TEST_CASE("a plugin that crashes leaves a line that says where") {
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  how = \"crash\"\n  when = { at_iter = 7 }\n");
  const Outcome outcome = w.train(with_edits());
  CHECK(outcome.status == 128 + SIGSEGV);
  CHECK(outcome.err.find("error[GC202]: crashed (SIGSEGV) in plugin 'edits', operation 'fails', in plan(), step 7, rank 0") !=
        std::string::npos);
}

TEST_CASE("an operation that refuses its arguments does so at its table, before a folder is made") {
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  how = \"open\"\n");
  const Outcome outcome = w.train(with_edits());
  CHECK(refusal(outcome) == "GC106");
  CHECK(outcome.err.find("tiny.toml:") != std::string::npos);
  CHECK(outcome.err.find("wants a larger model; raise n_layer") != std::string::npos);
  CHECK_FALSE(fs::exists(w.path("out")));
}

TEST_CASE("a logger that fails is switched off with one line and the run goes on") {
  const Workspace w;
  write_pipeline(w, "", "\n[[logger]]\nuse = \"broken\"\n");
  auto words = with_edits();
  words.insert(words.end(), kShort.begin(), kShort.end());
  const Outcome outcome = w.train(words);
  CHECK(outcome.status == 0);
  const auto lines = lines_with(outcome.err, "out of paper");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("logger 'broken' is switched off") != std::string::npos);
}

TEST_CASE("mistakes in the tables of operations, evaluators and adapters are located") {
  const Workspace w;
  write_pipeline(w, R"(
  [[stage.operation]]
  use = "edit"

  [[stage.operation]]
  use = "edits"
  when = { at_itre = 5 }

  [[stage.operation]]
  use = "edits"
  when = { at_iter = 5, times = 2 }

  [[stage.evaluator]]
  use = "mean"
  depth = 3
)",
                 "\n[[adapter]]\nuse = \"shift\"\n");
  const Outcome outcome = w.train(with_edits());
  CHECK(outcome.status == 2);
  CHECK(lines_with(outcome.err, "tiny.toml:").size() == 5);
  for (const char* part : {"no operation 'edit'; did you mean 'edits'?", "no condition 'at_itre'; did you mean 'at_iter'?",
                           "'when.at_iter' comes once only", "evaluator 'mean' has no parameter 'depth'", "needs 'targets'"}) {
    CAPTURE(part, outcome.err);
    CHECK(outcome.err.find(part) != std::string::npos);
  }
  const Workspace other;
  write_pipeline(other, "", "\n[[adapter]]\nuse = \"shift\"\ntargets = [\"blocks.0.attn.qvk\"]\n");
  const Outcome target = other.train(with_edits());
  CHECK(refusal(target) == "GC101");
  CHECK(target.err.find("did you mean 'blocks.0.attn.qkv'?") != std::string::npos);
}
