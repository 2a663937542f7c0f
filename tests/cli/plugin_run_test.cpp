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

TEST_CASE("whatever goes wrong in a plugin's call is one line that names file, plugin, item and call, and exit code 3") {
  struct Fault {
    const char *how, *said;
  };
  const auto fault = GENERATE(values<Fault>({
      {"throw_int", ": an exception that is not a std::exception"},
      {"crash", "crashed (SIGSEGV)"},
      {"abort", "crashed (SIGABRT)"},
      {"overflow", "crashed (SIGSEGV)"},
      {"exit", ": ended the process with status 0"},
      {"quick_exit", ": ended the process"},
      {"unknown_key", ": no setting 'learnig_rate' can change during training; did you mean 'learning_rate'?"},
      {"wrong_type", ": 'batch_size' expects an integer, got string \"large\"; "},
      {"undeclared", ": it plans arrange_blocks() but does not declare kReshapes"},
  }));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  if (std::string(fault.how) == "overflow") return;  // the sanitizer's own
#endif
  const Workspace w;
  write_pipeline(
      w, std::string("  [[stage.operation]]\n  use = \"fails\"\n  how = \"") + fault.how + "\"\n  when = { at_iter = 7 }\n");
  const Outcome outcome = w.train(with_edits());
  CAPTURE(fault.how, outcome.err);
  CHECK(outcome.status == 3);
  const auto lines = lines_with(outcome.err, "error[GC202]: ");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("/edits.so: error[GC202]: ") != std::string::npos);
  CHECK(lines[0].find("plugin 'edits', operation 'fails', in plan(), step 7, rank 0") != std::string::npos);
  CHECK(lines[0].find(fault.said) != std::string::npos);
}

TEST_CASE("a thread that a plugin has started ends the process with a line that names the plugin") {
  const auto [how, said] = GENERATE(table<std::string, std::string>({
      {"thread_throws", "crashed (SIGABRT) in plugin 'edits', on a thread of its own"},
      {"thread_exits", "plugin 'edits', on a thread of its own: ended the process with status 0"},
  }));
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  how = \"" + how + "\"\n  when = { at_iter = 7 }\n");
  const Outcome outcome = w.train(with_edits());
  CAPTURE(how, outcome.err);
  CHECK(outcome.status == 3);
  CHECK(outcome.err.find("/edits.so: error[GC202]: " + said) != std::string::npos);
}

TEST_CASE("a plugin of any kind that ends the process is an error that names it") {
  struct Quit {
    const char *kind, *call, *of_stage, *root;
  };
  const auto quit = GENERATE(values<Quit>({
      {"tokenizer", "encode", "", ""},
      {"dataset", "batch", "", ""},
      {"model", "open", "", ""},
      {"adapter", "forward", "", "\n[[adapter]]\nuse = \"quits\"\ntargets = [\"blocks.0.attn.qkv\"]\n"},
      {"evaluator", "evaluate", "  [[stage.evaluator]]\n  use = \"quits\"\n", ""},
      {"logger", "record", "", "\n[[logger]]\nuse = \"quits\"\n"},
  }));
  const Workspace w;
  write_pipeline(w, quit.of_stage, quit.root);
  std::string text = read(w.path("tiny.toml"));
  for (const std::string table : {"tokenizer", "dataset", "model"}) {
    if (table != quit.kind) continue;
    const size_t at = text.find("[" + table + "]"), end = text.find("\n\n", at);
    text.replace(at, end - at, "[" + table + "]\nuse = \"quits\"\n");
  }
  w.write("tiny.toml", text);
  const Outcome outcome = w.train(with_edits());
  CAPTURE(quit.kind, outcome.err);
  CHECK(outcome.status == 3);
  CHECK(outcome.err.find(std::string("/edits.so: error[GC202]: plugin 'edits', ") + quit.kind + " 'quits', in " + quit.call +
                         "()") != std::string::npos);
  CHECK(outcome.err.find(": ended the process with status 0") != std::string::npos);
}

TEST_CASE("Ctrl-C names the call that the end waits for, and a second one ends the process as one that is not saved") {
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  how = \"hang\"\n  when = { at_iter = 7 }\n");
  auto words = with_edits();
  words.insert(words.end(), {"--set", "train.log_interval=1"});
  Process process(w.training(words));
  process.wait_for("iter 6");
  process.send(SIGINT);
  process.wait_for_error("the end waits for plugin 'edits', operation 'fails', in plan(), step 7, rank 0 to return");
  process.send(SIGINT);
  const Outcome ended = process.wait();
  CHECK(ended.status == 76);
  CHECK(ended.err.find("gptcore: warning: stopped at once, in plugin 'edits', operation 'fails', in plan(), step 7, rank 0: "
                       "updates 1 to 7 are lost, for there is no checkpoint yet\n") != std::string::npos);
}

TEST_CASE("a signal before the first update ends a run at once and says that nothing has changed") {
  const auto [signal, status] = GENERATE(table<int, int>({{SIGINT, 130}, {SIGTERM, 75}}));
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  how = \"open_hangs\"\n  when = { at_iter = 7 }\n");
  Process process(w.training(with_edits()));
  process.wait_for_error("waiting");
  process.send(signal);
  const Outcome ended = process.wait();
  CHECK(ended.status == status);
  CHECK(ended.err ==
        "waiting\ngptcore: stopped before the first update, in plugin 'edits', operation 'fails', in open(): the run "
        "is as it was\n");
  CHECK_FALSE(fs::exists(w.path("out")));
}

TEST_CASE("a plugin with a built-in item's name is refused by its own file, unless the pipeline overrides") {
  const std::string twin = std::string(std::getenv("GPTCORE_BUILD")) + "/tests/unit/plugin/fixture_twin.so";
  const Workspace w;
  auto words = kShort;
  words.insert(words.begin(), {"--plugin", twin});
  const Outcome refused = w.train(words);
  CHECK(refused.status == 3);
  CHECK(refusal(refused) == "GC203");
  CHECK(refused.err.find(twin + ": error[GC203]: logger 'jsonl' is offered by plugin 'twin' and by plugin 'jsonl' (/") !=
        std::string::npos);
  CHECK(refused.err.find("override = true in [plugins]") != std::string::npos);
  CHECK(refusal(w.gptcore({"--plugin", twin})) == "GC203");

  w.write("tiny.toml", read(w.path("tiny.toml")) + "\n[plugins]\noverride = true\n");
  const Outcome allowed = w.train(words);
  INFO(allowed.err);
  CHECK(allowed.status == 0);
  CHECK(fs::exists(w.path("out") / "twin.txt"));
  CHECK_FALSE(fs::exists(w.path("out") / "metrics.jsonl"));
  CHECK(w.gptcore({"sample", "out", "--plugin", twin, "--max-new-tokens", "5"}).status == 0);
}

TEST_CASE("plugins test finds a built-in item's name, and tests the plugin all the same") {
  const std::string twin = std::string(std::getenv("GPTCORE_BUILD")) + "/tests/unit/plugin/fixture_twin.so";
  const Workspace w;
  const Outcome found = w.gptcore({"plugins", "test", twin, "--filter", "file/free_names"});
  CHECK(found.status == 3);
  CHECK(found.out.find("logger 'jsonl' is offered by plugin 'twin' and by plugin 'jsonl'") != std::string::npos);
  const Outcome meant = w.gptcore({"plugins", "test", twin, "--override"});
  INFO(meant.out);
  CHECK(meant.status == 0);
  CHECK(meant.out.find("ok    logger/jsonl/default_run") != std::string::npos);
}

TEST_CASE("an operation that refuses its arguments does so at its table, before a folder is made") {
  const Workspace w;
  write_pipeline(w, "  [[stage.operation]]\n  use = \"fails\"\n  how = \"open\"\n");
  const Outcome outcome = w.train(with_edits());
  CHECK(refusal(outcome) == "GC106");
  CHECK(outcome.err.find("tiny.toml:") != std::string::npos);
  CHECK(outcome.err.find("expects a larger model; raise n_layer") != std::string::npos);
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
                           "'when.at_iter' fires only once", "evaluator 'mean' has no parameter 'depth'", "needs 'targets'"}) {
    CAPTURE(part, outcome.err);
    CHECK(outcome.err.find(part) != std::string::npos);
  }
  const Workspace other;
  write_pipeline(other, "", "\n[[adapter]]\nuse = \"shift\"\ntargets = [\"blocks.0.attn.qvk\"]\n");
  const Outcome target = other.train(with_edits());
  CHECK(refusal(target) == "GC101");
  CHECK(target.err.find("did you mean 'blocks.0.attn.qkv'?") != std::string::npos);
}
