// Loss spikes that training leaves behind.
#include <signal.h>

#include <cstdlib>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;

namespace {

using Strings = std::vector<std::string>;

std::string model(const Workspace& w) {
  return read(newest_checkpoint(w.path("out")) / "model.safetensors");
}

Strings on_a_line(const Strings& words) {
  Strings all = {"--plugin", std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so"};
  for (const std::string& word : words) all.insert(all.end(), {"--set", word});
  return all;
}

// tiny.toml on the plugin's dataset, with samples 1600 to 1607, those of update 200, wrong.
void write_spiking(const Workspace& w) {
  std::string text = read(w.path("tiny.toml"));
  const size_t from = text.find("[tokenizer]"), to = text.find("[model]");
  text.replace(from, to - from, "[dataset]\nuse = \"line\"\nwrong_from = 1600\nwrong_until = 1608\n\n");
  text.erase(text.find("[[stage]]", text.find("log_interval")),
             text.find("[[logger]]") - text.find("[[stage]]", text.find("log_interval")));
  w.write("tiny.toml", text);
}

}  // namespace

TEST_CASE("a spike is left behind: training goes back to the newest checkpoint and past the data, kills or not") {
  const Workspace whole, broken;
  write_spiking(whole);
  write_spiking(broken);
  const auto words = on_a_line({"train.on_spike=rewind"});
  const Outcome outcome = whole.train(words);
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.err.find("loss spike at step 200") != std::string::npos);
  const auto state = nlohmann::json::parse(read(newest_checkpoint(whole.path("out")) / "state.json"));
  CHECK(state.at("rewinds") == 1);
  CHECK(state.at("step") == 400);
  CHECK(state.at("samples") == 401 * 8);
  for (const char* place : {"iter 190", "OPERATION_REWIND", "iter 230"}) {
    Process process(broken.training(words));
    process.wait_for(place);
    process.send(SIGKILL);
    CHECK(process.wait().status == 128 + SIGKILL);
  }
  REQUIRE(broken.train(words).status == 0);
  CHECK((model(whole) == model(broken)));
}

TEST_CASE("a run that spikes again and again ends with its own exit code") {
  const Workspace w;
  write_spiking(w);
  const Outcome outcome = w.train(on_a_line({"train.on_spike=rewind", "dataset.wrong_until=100000"}));
  CHECK(outcome.status == 6);
  CHECK(outcome.err.find("training went back 3 times already") != std::string::npos);
}

TEST_CASE("a run that was stopped and resumed goes back to where it would have gone without the stop") {
  const Strings interval = {"--train.eval_interval=0", "--train.checkpoint_interval=" + std::string(GENERATE("150", "1000"))};
  Strings words = on_a_line({"train.on_spike=rewind", "train.keep_checkpoints=1"});
  words.insert(words.end(), interval.begin(), interval.end());
  const Workspace whole, stopped;
  write_spiking(whole);
  write_spiking(stopped);
  const Outcome outcome = whole.train(words);
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  for (const char* place : {"iter 16", "iter 18"}) {
    Process process(stopped.training(words));
    process.wait_for(place);
    process.send(SIGTERM);
    CHECK(process.wait().status == 75);
  }
  const Outcome rest = stopped.train(words);
  INFO(rest.out << rest.err);
  REQUIRE(rest.status == 0);
  CHECK(lines_with(rest.err, "loss spike at step 200") == lines_with(outcome.err, "loss spike at step 200"));
  CHECK((model(whole) == model(stopped)));
}

TEST_CASE("a spike after another model took over the weights goes back to that model") {
  const Workspace w;
  write_spiking(w);
  const Strings words = on_a_line({"train.on_spike=rewind", "train.eval_interval=0", "train.lr_decay_iters=400"});
  Strings before = words, after = words;
  before.push_back("--train.max_iters=150");
  after.insert(after.end(), {"--model.n_layer=3", "--allow-arch-change", "--train.max_iters=240"});
  REQUIRE(w.train(before).status == 0);
  const Outcome outcome = w.train(after);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.err, "back to step 150").size() >= 1);
}
