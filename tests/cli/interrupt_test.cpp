// Runs that are killed or asked to stop: nothing committed is lost, and going on gives what an undisturbed run gives.
#include <signal.h>

#include <filesystem>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

struct Result {
  std::string model, optimizer;
  double loss = 0;
};

Result result_of(const Workspace& w) {
  const fs::path checkpoint = newest_checkpoint(w.path("out"));
  CHECK(checkpoint.filename() == "step-000000400");
  Result result{read(checkpoint / "model.safetensors"), {}, records(w.path("out"), "step_ended").back().at("loss")};
  if (fs::exists(checkpoint / "optimizer.safetensors")) result.optimizer = read(checkpoint / "optimizer.safetensors");
  return result;
}

// What an undisturbed run gives; made once.
const Result& undisturbed() {
  static const Result result = [] {
    const Workspace w;
    REQUIRE(w.train().status == 0);
    return result_of(w);
  }();
  return result;
}

// Starts tiny.toml and sends `signal` once `text` is printed.
Outcome stop_at(const Workspace& w, const std::string& text, int signal) {
  Process process(w.training());
  process.wait_for(text);
  process.send(signal);
  return process.wait();
}

void check_same_as_undisturbed(const Workspace& w) {
  const Result result = result_of(w);
  CHECK(result.loss == undisturbed().loss);
  CHECK((result.model == undisturbed().model));
  CHECK((result.optimizer == undisturbed().optimizer));
}

}  // namespace

TEST_CASE("a run killed by SIGKILL again and again ends byte-identical to an undisturbed one") {
  const Workspace w;
  // Before the first checkpoint, right after one, between two, while one is written, near the end.
  for (const char* place : {"iter 1", "step 50:", "iter 13", "step 200:", "iter 37"}) {
    const Outcome killed = stop_at(w, place, SIGKILL);
    INFO(place << "\n" << killed.out << killed.err);
    REQUIRE(killed.status == 128 + SIGKILL);
  }
  const Outcome last = w.train();
  INFO(last.out << last.err);
  REQUIRE(last.status == 0);
  CHECK(lines_with(last.out, "iter 30").empty());  // it went on, it did not start over
  check_same_as_undisturbed(w);

  const auto steps = records(w.path("out"), "step_ended");  // each logged step once, in order
  REQUIRE(steps.size() == kIters / 10);
  for (size_t i = 0; i < steps.size(); ++i) CHECK(steps[i].at("iter") == static_cast<int64_t>(10 * i));
}

TEST_CASE("SIGINT exits 130 and SIGTERM 75, each with a checkpoint of that step") {
  const Workspace w;
  const Outcome interrupted = stop_at(w, "iter 2", SIGINT);
  INFO(interrupted.out << interrupted.err);
  CHECK(interrupted.status == 130);
  CHECK(lines_with(interrupted.out, "interrupted by SIGINT at step ").size() == 1);
  const std::string first = newest_checkpoint(w.path("out")).filename();
  CHECK(first >= "step-000000020");
  CHECK(first < "step-000000400");

  const Outcome terminated = stop_at(w, "iter 26", SIGTERM);
  INFO(terminated.out << terminated.err);
  CHECK(terminated.status == 75);
  CHECK(lines_with(terminated.out, "step 0:").empty());
  const std::string second = newest_checkpoint(w.path("out")).filename();
  CHECK(second >= "step-000000260");
  CHECK(second < "step-000000400");

  REQUIRE(w.train().status == 0);
  check_same_as_undisturbed(w);
}

TEST_CASE("a run that SIGHUP stops is saved as by SIGTERM, and one that ignores it goes on") {
  const Workspace w;
  const Outcome stopped = stop_at(w, "iter 2", SIGHUP);
  INFO(stopped.out << stopped.err);
  CHECK(stopped.status == 75);
  CHECK(lines_with(stopped.out, "interrupted by SIGHUP at step ").size() == 1);
  CHECK(records(w.path("out"), "interrupted").at(0).at("signal") == "SIGHUP");
  CHECK(newest_checkpoint(w.path("out")).filename() < "step-000000400");

  Process ignoring({{"sh", "-c", "trap '' HUP; exec " + program() + " run tiny.toml"}, w.folder(), {}, 60});
  ignoring.wait_for("iter 2");
  ignoring.send(SIGHUP);
  const Outcome ended = ignoring.wait();
  INFO(ended.out << ended.err);
  CHECK(ended.status == 0);
  check_same_as_undisturbed(w);
}

TEST_CASE("a run that a script starts in the background goes on at Ctrl-C") {
  const Workspace w;
  Process script({{"sh", "-c", program() + " run tiny.toml & wait $!"}, w.folder(), {}, 60});
  script.wait_for("iter 2");
  const pid_t run = std::stoi(read(w.path("out/run.lock")).substr(sizeof("pid")));
  REQUIRE(::kill(run, SIGINT) == 0);
  const Outcome ended = script.wait();
  INFO(ended.out << ended.err);
  CHECK(ended.status == 0);
  check_same_as_undisturbed(w);
}

TEST_CASE("a signal while the model is evaluated before the first update saves the weights of step 0") {
  const Workspace w;
  Process process(w.training({"--set", "train.eval_iters=1000000"}));
  process.wait_for("stage train");
  process.send(SIGTERM);
  const Outcome ended = process.wait();
  INFO(ended.out << ended.err);
  CHECK(ended.status == 75);
  CHECK(newest_checkpoint(w.path("out")).filename() == "step-000000000");
}

TEST_CASE("signals that come at once are one request, and the work is saved") {
  const Workspace w;
  Process process(w.training({"--set", "train.max_iters=1000000"}));
  process.wait_for("iter 1");
  for (const int signal : {SIGINT, SIGTERM, SIGINT}) process.send(signal);
  const Outcome ended = process.wait();
  INFO(ended.out << ended.err);
  CHECK((ended.status == 130 || ended.status == 75));  // by the one whose handler ran first
  const std::string step = newest_checkpoint(w.path("out")).filename().string().substr(sizeof("step-") - 1);
  CHECK(ended.err.find("the same command continues from step " + std::to_string(std::stoll(step)) + "\n") != std::string::npos);
}

TEST_CASE("a second run in the folder of a running one is refused, and the first goes on") {
  const Workspace w;
  Process first(w.training({"--set", "train.max_iters=1000000"}));
  first.wait_for("iter 1");
  const Outcome second = w.train({"--set", "train.max_iters=1000000"});
  CHECK(second.status == 5);
  CHECK(refusal(second) == "GC504");
  first.send(SIGTERM);
  CHECK(first.wait().status == 75);
}

TEST_CASE("a damaged newest checkpoint costs only the steps since the one before it") {
  const Workspace w;
  REQUIRE(stop_at(w, "iter 22", SIGKILL).status == 128 + SIGKILL);
  const fs::path model = newest_checkpoint(w.path("out")) / "model.safetensors";
  fs::resize_file(model, fs::file_size(model) / 2);
  const Outcome again = w.train();
  INFO(again.out << again.err);
  REQUIRE(again.status == 0);
  CHECK(again.err.find("corrupt") != std::string::npos);
  check_same_as_undisturbed(w);
}
