// What a run leaves that is killed at a chosen record, and what the same command then makes of it.
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/workspace.h"

#include "tests/catch.h"

using namespace gptcore::test;

namespace {

struct Moment {
  std::string event;
  int step, count;
  bool recorded;  // in metrics.jsonl, before the process is killed
};

// What was measured, changed, trained and shown, in the order of the file; checkpoints apart, whose line a kill may come
// before.
std::string history(const std::filesystem::path& run) {
  std::string all;
  std::istringstream in(read(run / "metrics.jsonl"));
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line);
    const std::string event = json.at("event");
    if (event == "step_ended" || event == "evaluation_started" || event == "evaluation_ended" || event == "operation" ||
        event == "sampled")
      all += event + " " + json.at("step").dump() + " " + json.value("val_loss", json.value("loss", nlohmann::json())).dump() +
             "\n";
  }
  return all;
}

// The pipeline with a logger that kills it at that moment.
std::string killed(const std::string& pipeline, const Moment& moment) {
  const std::string logger = "[[logger]]\nuse = \"kills\"\nevent = \"" + moment.event +
                             "\"\nstep = " + std::to_string(moment.step) + "\ncount = " + std::to_string(moment.count) + "\n\n";
  const size_t place = moment.recorded ? pipeline.size() : pipeline.find("[[logger]]");
  return pipeline.substr(0, place) + "\n" + logger + pipeline.substr(place);
}

std::vector<std::string> running(const std::string& file) {
  return {"run",
          file,
          "--plugin",
          std::string(std::getenv("GPTCORE_BUILD")) + "/tests/cli/edits.so",
          "--train.max_iters=12",
          "--train.eval_interval=4",
          "--train.checkpoint_interval=4",
          "--train.log_interval=2"};
}

}  // namespace

TEST_CASE("metrics.jsonl of a run that was killed and went on tells each evaluation, operation and sample once") {
  const Moment moment = GENERATE(values<Moment>({{"evaluation_ended", 0, 2, true},
                                                 {"checkpoint_saved", 4, 1, false},
                                                 {"evaluation_ended", 4, 1, true},
                                                 {"checkpoint_saved", 4, 2, false},
                                                 {"operation", 4, 2, true},
                                                 {"sampled", 12, 1, true}}));
  const Workspace w;
  w.add_to_train_stage("  [[stage.operation]]\n  use = \"change_lr\"\n  value = 0.5\n  when = { after_iters = 3 }\n");
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("[[stage]]"), "[[stage]]\nkind = \"evaluate\"\neval_iters = 2\n\n");
  w.write("tiny.toml", text);
  w.write("killed.toml", killed(text, moment));
  std::vector<std::string> whole = running("tiny.toml");
  whole.push_back("--run.out_dir=whole");
  REQUIRE(w.gptcore(whole).status == 0);
  CAPTURE(moment.event, moment.step, moment.count);
  REQUIRE(w.gptcore(running("killed.toml")).status == 137);
  const Outcome rerun = w.gptcore(running("tiny.toml"));
  INFO(rerun.out << rerun.err);
  CHECK(rerun.status == 0);
  CHECK(history(w.path("out")) == history(w.path("whole")));
}

TEST_CASE("metrics.jsonl tells an undo once, however often the run is killed right after its line") {
  const Workspace w;
  w.add_to_train_stage(
      "  [[stage.operation]]\n  use = \"set_lr\"\n  value = 3.0\n  when = { at_iter = 6 }\n  undo_if_worse = 0.0\n");
  const std::string text = read(w.path("tiny.toml"));
  w.write("first.toml", killed(text, {"operation", 6, 3, true}));
  w.write("again.toml", killed(text, {"operation", 6, 1, true}));
  std::vector<std::string> whole = running("tiny.toml");
  whole.push_back("--run.out_dir=whole");
  REQUIRE(w.gptcore(whole).status == 0);
  for (const char* file : {"first.toml", "again.toml", "again.toml"}) REQUIRE(w.gptcore(running(file)).status == 137);
  const Outcome rerun = w.gptcore(running("tiny.toml"));
  INFO(rerun.out << rerun.err);
  CHECK(rerun.status == 0);
  int undone = 0;
  for (const auto& record : records(w.path("out"), "operation")) undone += record.at("phase") == "undo";
  CHECK(undone == 1);
  CHECK(history(w.path("out")) == history(w.path("whole")));
}
