// Pipelines that measure and sample: what they print, and what a second run of them says.
#include <csignal>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// tiny.toml with an evaluate stage in place of its train stage.
void write_measuring(const Workspace& w) {
  const std::string text = read(w.path("tiny.toml"));
  const size_t begin = text.find("[[stage]]"), end = text.find("[[stage]]", begin + 1);
  w.write("measure.toml", text.substr(0, begin) + "[[stage]]\nkind = \"evaluate\"\n\n" + text.substr(end));
}

}  // namespace

TEST_CASE("a second run of a pipeline that only measures tells the results, and how to measure again") {
  const Workspace w;
  write_measuring(w);
  const Outcome first = w.gptcore({"run", "measure.toml"});
  INFO(first.err);
  REQUIRE(first.status == 0);
  const std::string line = lines_with(first.out, "val loss ").at(0);
  const std::string loss = line.substr(line.find("val loss "), std::string("val loss 1.2345").size());
  const std::string metrics = read(w.path("out/metrics.jsonl"));

  const Outcome second = w.gptcore({"run", "measure.toml"});
  INFO(second.err);
  CHECK(second.status == 0);
  CHECK(has(second.err, "stage 'evaluate' was done at step 0: " + loss + " (whole split); --overwrite does it again"));
  CHECK(has(second.err, "stage 'sample' was done at step 0"));
  CHECK(read(w.path("out/metrics.jsonl")).starts_with(metrics));

  const Outcome again = w.gptcore({"run", "measure.toml", "--overwrite"});
  CHECK(again.status == 0);
  CHECK(has(again.out, loss));
}

TEST_CASE("--quiet leaves a pipeline that only measures its results, on standard output") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  const Outcome losses = w.train({"--eval_only", "--quiet"});
  INFO(losses.out << losses.err);
  CHECK(losses.status == 0);
  CHECK(losses.err.empty());
  CHECK(has(losses.out, "val loss "));
  CHECK(lines_with(losses.out, "loss").size() == 1);
  CHECK(has(losses.out, "--- sample\nthe "));  // as the run before it printed it

  write_measuring(w);
  const Outcome first = w.gptcore({"run", "measure.toml", "--quiet", "--run.out_dir=measured", "--model.init_from=ckpt:out"});
  INFO(first.err);
  CHECK(first.err.empty());
  CHECK(has(first.out, "val loss "));
  CHECK(has(first.out, "--- sample\nthe "));
  CHECK_FALSE(has(first.out, "run tiny"));
  CHECK_FALSE(has(first.out, "done in"));
  const Outcome second = w.gptcore({"run", "measure.toml", "--quiet", "--run.out_dir=measured", "--model.init_from=ckpt:out"});
  CHECK(second.err.empty());
  CHECK(second.out == first.out);
}

TEST_CASE("results stand only for the weights, data and keys that they are of") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  // What `words` print in a folder with results, and in one without.
  const auto both = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"run", "measure.toml", "--evaluate.eval_iters=2", "--quiet"});
    const Outcome here = w.gptcore(words);
    words.push_back("--run.out_dir=fresh");
    fs::remove_all(w.path("fresh"));
    const Outcome fresh = w.gptcore(words);
    INFO(here.err << fresh.err);
    CHECK(here.status == 0);
    CHECK(fresh.status == 0);
    return std::pair(here.out, fresh.out);
  };
  const std::string begin = both({}).first;
  for (const std::string change :
       {"--model.init_from=ckpt:trained", "--model.n_layer=1", "--model.block_size=8", "--run.seed=2",
        "--run.precision=bfloat16", "--tokenizer.use=char", "--evaluate.eval_iters=3", "--evaluate.batch_size=2",
        "--evaluate.splits=[\"train\"]", "--sample.prompt=a cat", "--sample.max_new_tokens=9"}) {
    both({});
    const auto [here, fresh] = both({change});
    INFO(change);
    CHECK(here == fresh);
    CHECK(here != begin);
  }

  both({});
  const std::string text = read(w.path("input.txt"));
  w.write("input.txt", text.substr(text.size() / 2) + text.substr(0, text.size() / 2));
  const auto [moved, moved_fresh] = both({});
  CHECK(moved == moved_fresh);
  CHECK(moved != begin);

  const std::string before = both({"--model.init_from=ckpt:trained"}).first;
  REQUIRE(w.train({"--train.max_iters=6", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  const auto [longer, longer_fresh] = both({"--model.init_from=ckpt:trained"});
  CHECK(longer == longer_fresh);
  CHECK(longer != before);
}

TEST_CASE("a stage that is done again though its step has results says why") {
  const Workspace w;
  write_measuring(w);
  REQUIRE(w.gptcore({"run", "measure.toml", "--evaluate.eval_iters=2"}).status == 0);
  const Outcome again = w.gptcore({"run", "measure.toml", "--evaluate.eval_iters=3"});
  INFO(again.err);
  CHECK(has(again.err, "stage 'evaluate' was done at step 0 and is done again: evaluate.eval_iters: 2 -> 3"));
  CHECK(has(again.err, "stage 'sample' was done at step 0"));
  CHECK_FALSE(has(again.err, "stage 'sample' was done at step 0 and is done again"));
}

TEST_CASE("--overwrite is refused where only the run that it would move aside can be evaluated") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  const Outcome refused = w.train({"--eval_only", "--overwrite"});
  INFO(refused.err);
  CHECK(refusal(refused) == "GC106");
  CHECK(refused.err.starts_with("--eval_only"));
  CHECK(fs::exists(w.path("out/ckpt")));
  CHECK_FALSE(fs::exists(w.path("out.old-1")));
}

TEST_CASE("a run that only measured is neither written over nor lost") {
  const Workspace w;
  write_measuring(w);
  REQUIRE(w.gptcore({"run", "measure.toml"}).status == 0);
  const std::string metrics = read(w.path("out/metrics.jsonl"));
  CHECK(refusal(w.gptcore({"run", "measure.toml", "--resume", "never"})) == "GC503");
  CHECK(read(w.path("out/metrics.jsonl")) == metrics);
  CHECK(w.gptcore({"run", "measure.toml", "--overwrite"}).status == 0);
  CHECK(read(w.path("out.old-1/metrics.jsonl")) == metrics);
}

TEST_CASE("--overwrite is refused where it would move what people work with") {
  const Workspace w;
  write_measuring(w);
  fs::create_directory(w.path("text"));
  fs::copy_file(w.path("input.txt"), w.path("text/input.txt"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--run.out_dir=."}, {"--run.out_dir=text", "--dataset.files=[\"text/input.txt\"]"}}) {
    std::vector<std::string> all{"run", "measure.toml"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome first = w.gptcore(all);
    INFO(first.out << first.err);
    REQUIRE(first.status == 0);
    CHECK_FALSE(has(first.out, "//"));
    all.push_back("--overwrite");
    CHECK(refusal(w.gptcore(all)) == "GC106");
    CHECK(fs::exists(w.path("input.txt")));
    CHECK(fs::exists(w.path("text/input.txt")));
  }
}

TEST_CASE("--overwrite is refused where it would move a file of operations") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  w.write("out/operations.json", "[]");
  const Outcome refused = w.train({"--train.max_iters=4", "--train.operations_file=out/operations.json", "--overwrite"});
  INFO(refused.out << refused.err);
  CHECK(refusal(refused) == "GC106");
  CHECK(fs::exists(w.path("out/operations.json")));
}

TEST_CASE("a pipeline that measures a checkpoint it was given says so in each run, and what random weights are") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  const Outcome given = w.gptcore({"run", "measure.toml", "--resume", "trained"});
  INFO(given.out << given.err);
  CHECK(given.status == 0);
  CHECK(has(given.err, "train is absent in this pipeline"));
  CHECK(lines_with(given.err, "resume: train").size() == 1);
  CHECK_FALSE(has(given.err, "weights are random"));
  CHECK(w.gptcore({"run", "measure.toml", "--resume", "trained"}).status == 0);
  CHECK(has(w.gptcore({"run", "measure.toml", "--run.out_dir=random"}).err, "weights are random"));
}

TEST_CASE("results of a checkpoint that was given are not replaced by those of random weights") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  const Outcome given = w.gptcore({"run", "measure.toml", "--resume", "trained", "--quiet"});
  REQUIRE(given.status == 0);
  const std::string progress = read(w.path("out/progress.json")), metrics = read(w.path("out/metrics.jsonl"));
  const Outcome plain = w.gptcore({"run", "measure.toml"});
  INFO(plain.out << plain.err);
  CHECK(refusal(plain) == "GC503");
  const std::string checkpoint = w.path("trained/ckpt/step-000000004").string();
  CHECK(has(plain.err, "are of '" + checkpoint + "', and this command names no weights"));
  CHECK(has(plain.err, "--resume " + checkpoint));
  CHECK(read(w.path("out/progress.json")) == progress);
  CHECK(read(w.path("out/metrics.jsonl")) == metrics);
  CHECK(w.gptcore({"run", "measure.toml", "--quiet", "--resume", checkpoint}).out == given.out);
  CHECK(w.gptcore({"run", "measure.toml", "--model.init_from=ckpt:trained"}).status == 0);
  CHECK(w.gptcore({"run", "measure.toml", "--overwrite"}).status == 0);
}

TEST_CASE("a run's own copy of its pipeline starts it over with --overwrite, from any folder") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  fs::create_directory(w.path("elsewhere"));
  Command again = w.command({"run", w.path("out/config.toml").string(), "--overwrite"});
  again.folder = w.path("elsewhere");
  const Outcome outcome = run(again);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  const auto weights = [&](const char* folder) { return read(w.path(folder) / "ckpt/step-000000004/model.safetensors"); };
  CHECK(weights("out") == weights("out.old-1"));
  CHECK(read(w.path("out/config.toml")) == read(w.path("out.old-1/config.toml")));

  fs::copy_file(w.path("out/config.toml"), w.path("out/mine.toml"));
  CHECK(refusal(w.gptcore({"run", "out/mine.toml", "--overwrite"})) == "GC106");
  CHECK(fs::exists(w.path("out/mine.toml")));
}

TEST_CASE("keys of stages that measure, and of evaluators, that are others than the checkpoint's are told, and measured by") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.rfind("[[stage]]"), "[[stage]]\nkind = \"evaluate\"\neval_iters = 2\n\n");
  w.write("tiny.toml", text);
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  const Outcome same = w.train({"--train.max_iters=4", "--train.eval_interval=2"});
  CHECK_FALSE(has(same.err, "resume: "));
  const Outcome changed = w.train({"--train.max_iters=6", "--train.eval_interval=2", "--evaluate.eval_iters=3",
                                   "--evaluate.splits=[\"train\", \"val\"]", "--sample.max_new_tokens=9"});
  INFO(changed.out << changed.err);
  CHECK(changed.status == 0);
  CHECK(has(changed.err, "resume: train.max_iters: 4 -> 6"));
  CHECK(has(changed.err, "resume: evaluate.eval_iters: 2 -> 3"));
  CHECK(has(changed.err, "resume: evaluate.splits: [\"val\"] -> [\"train\", \"val\"]"));
  CHECK(has(changed.err, "resume: sample.max_new_tokens: 40 -> 9"));
  const auto measured = records(w.path("out"), "evaluation_ended").back();
  CHECK(measured.at("step") == 6);
  CHECK(measured.at("batches") == 3);
  CHECK(measured.contains("train_loss"));
}

TEST_CASE("a stage that measured what training began with is not done again with a trained model") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("[[stage]]"), "[[stage]]\nkind = \"evaluate\"\neval_iters = 2\n\n");
  const auto short_run = [&](const std::string& iters) {
    return w.train({"--train.max_iters=" + iters, "--train.eval_interval=2"});
  };
  const auto at_once = [](const std::vector<nlohmann::json>& all) { return all.at(0).at("val_loss"); };
  w.write("tiny.toml", text);
  REQUIRE(short_run("4").status == 0);
  const auto before = records(w.path("out"), "evaluation_ended");
  const Outcome longer = short_run("6");
  INFO(longer.out << longer.err);
  CHECK(longer.status == 0);
  CHECK(has(longer.err, "stage 'evaluate' was done at step 0: val loss "));
  CHECK(has(longer.err, "it comes before stage 'train', which has begun"));
  const auto after = records(w.path("out"), "evaluation_ended");
  CHECK(after.size() == before.size() + 1);  // of training at step 6
  CHECK(at_once(after) == at_once(before));

  fs::remove(w.path("out/progress.json"));
  CHECK(has(short_run("6").err, "stage 'evaluate' is left out: it comes before stage 'train', which has begun"));
}

TEST_CASE("a stage that prepares data leaves no result to stand for") {
  const Workspace w;
  std::string text = read(w.path("tiny.toml"));
  const size_t begin = text.find("[[stage]]");
  w.write("prepare.toml", text.substr(0, begin) + "[[stage]]\nkind = \"prepare\"\nout = \"prepared\"\n\n" +
                              text.substr(text.find("[[logger]]")));
  REQUIRE(w.gptcore({"run", "prepare.toml"}).status == 0);
  CHECK_FALSE(fs::exists(w.path("out/progress.json")));
  fs::remove(w.path("prepared/train-00000.bin"));
  CHECK(w.gptcore({"run", "prepare.toml"}).status == 0);
}

TEST_CASE("a signal in a pipeline that measures a given checkpoint names a command that measures the same") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2", "--run.out_dir=trained"}).status == 0);
  write_measuring(w);
  Process process(w.command({"run", "measure.toml", "--resume", "trained", "--sample.max_new_tokens=1000000"}));
  process.wait_for("stage sample");
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  INFO(outcome.err);
  CHECK(outcome.status == 130);
  CHECK(has(outcome.err, "the same command continues from step 4"));
}

TEST_CASE("a pipeline that only measures leaves the run of its folder what it is") {
  const Workspace w;
  REQUIRE(w.train({"--train.max_iters=4", "--train.eval_interval=2"}).status == 0);
  write_measuring(w);
  const std::string pipeline = read(w.path("out/config.toml"));
  REQUIRE(w.train({"--eval_only"}).status == 0);
  CHECK(read(w.path("out/config.toml")) == pipeline);
  for (const char* time : {"first", "second"}) {
    const Outcome measured = w.gptcore({"run", "measure.toml"});
    INFO(time << measured.out << measured.err);
    CHECK(measured.status == 0);
    CHECK(has(measured.err, "resuming from "));
    CHECK_FALSE(has(measured.err, "--overwrite"));
    CHECK(read(w.path("out/config.toml")) == pipeline);
  }
  const Outcome refused = w.gptcore({"run", "measure.toml", "--overwrite"});
  INFO(refused.err);
  CHECK(refusal(refused) == "GC106");
  CHECK(has(refused.err, "--overwrite would move aside the run whose model the pipeline measures"));
  CHECK(fs::exists(w.path("out/ckpt")));
  const Outcome longer = w.gptcore({"run", "out/config.toml", "--max_iters=6"});
  INFO(longer.out << longer.err);
  CHECK(newest_checkpoint(w.path("out")).filename() == "step-000000006");
}

TEST_CASE("an evaluate stage whose evaluator failed is done again") {
  const Workspace w;
  w.add_to_train_stage(
      "[[stage.operation]]\nuse = \"stack_layers\"\nvalue = [0, 1, 0]\nwhen = { loss_below = 0.5 }\n"
      "[[stage]]\nkind = \"evaluate\"\n[[stage.evaluator]]\nuse = \"model_analysis\"\nlayers = [\"blocks.2.attn.qkv\"]\n");
  const std::vector<std::string> words = {"--train.max_iters=4", "--train.eval_interval=2"};
  CHECK(has(w.train(words).err, "evaluator 'model_analysis' failed"));
  const Outcome again = w.train(words);
  INFO(again.out << again.err);
  CHECK(has(again.err, "stage 'evaluate' was done at step 4 and is done again: an evaluator failed"));
  CHECK(has(again.err, "warning: evaluator 'model_analysis' failed"));
}

TEST_CASE("--quiet tells an evaluation without targets as often as it is asked") {
  const Workspace w;
  write_measuring(w);
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines += R"({"messages": [{"role": "user", "content": "a b c d e f g h i j k l m n )" + std::to_string(i) +
             "\"}, {\"role\": \"assistant\", \"content\": \"ok\"}]}\n";
  w.write("chat.jsonl", lines);
  const std::vector<std::string> words = {"run",
                                          "measure.toml",
                                          "--quiet",
                                          "--tokenizer.use=bpe_train",
                                          "--tokenizer.vocab_size=300",
                                          "--tokenizer.chat_tokens=true",
                                          "--dataset.use=chat_mixture",
                                          "--dataset.files=[\"chat.jsonl\"]",
                                          "--dataset.pack=stream",
                                          "--dataset.val_fraction=0.2",
                                          "--model.block_size=8",
                                          "--evaluate.eval_iters=1",
                                          "--evaluate.batch_size=1"};
  const Outcome first = w.gptcore(words), second = w.gptcore(words);
  INFO(first.err);
  CHECK(has(first.out, "step 0: val loss: no targets\n"));
  CHECK(second.out == first.out);
}
