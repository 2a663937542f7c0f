// A run whose operations stand in a YAML or JSON file.
#include <signal.h>

#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;

namespace {

// tiny.toml with an operations file.
void write_pipeline(const Workspace& w, const std::string& operations, const std::string& keys = "") {
  std::string text = read(w.path("tiny.toml"));
  text.insert(text.find("log_interval"), "operations_file = \"ops.yaml\"\n" + keys);
  w.write("tiny.toml", text);
  w.write("ops.yaml", operations);
}

const char* const kSchedule = R"(# Slower, then the first block rests.
- name: change_lr
  value: 0.5  # half
  trigger_loss: .inf
  max_wait_iters: 1000
- name: freeze_layer
  value: "mlp.0"
  trigger_loss: 100
  max_wait_iters: 0
  reevaluate: true
- name: unfreeze_layer
  value: "mlp.0"
  trigger_loss: 0
  max_wait_iters: 60
)";

std::vector<std::string> phases(const Workspace& w) {
  std::vector<std::string> out;
  for (const auto& r : records(w.path("out"), "operation"))
    out.push_back(r.at("phase").get<std::string>() + " " + r.at("operation").get<std::string>() + " " +
                  std::to_string(r.at("step").get<int64_t>()));
  return out;
}

}  // namespace

TEST_CASE("a run carries out its operations file in order and leaves the file as it is") {
  const Workspace w;
  write_pipeline(w, kSchedule);
  const Outcome outcome = w.train();
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(phases(w) == std::vector<std::string>{"start change_lr 0", "success change_lr 0", "start freeze_layer 0",
                                              "success freeze_layer 0", "reevaluation freeze_layer 0",
                                              "start unfreeze_layer 100", "success unfreeze_layer 100"});
  CHECK(lines_with(outcome.out, "OPERATION_START: name=unfreeze_layer | iter=100 | value=mlp.0 | trigger=Timeout | val_loss=")
            .size() == 1);
  CHECK(lines_with(outcome.out, "OPERATION_REEVALUATION: name=freeze_layer | iter=0 | old_val_loss=").size() == 1);
  CHECK(read(w.path("ops.yaml")) == kSchedule);
}

TEST_CASE("a run with an operations file, killed and resumed, ends byte-identical, also when the file is marked") {
  const Workspace whole, broken;
  write_pipeline(whole, kSchedule);
  write_pipeline(broken, kSchedule, "write_back = true\n");
  REQUIRE(whole.train().status == 0);
  for (const char* place : {"OPERATION_REEVALUATION", "iter 70:", "step 100:"}) {
    Process process(broken.training());
    process.wait_for(place);
    process.send(SIGKILL);
    REQUIRE(process.wait().status == 128 + SIGKILL);
  }
  REQUIRE(broken.train().status == 0);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"})
    CHECK((read(newest_checkpoint(whole.path("out")) / file) == read(newest_checkpoint(broken.path("out")) / file)));
  const std::string marked = read(broken.path("ops.yaml"));
  CHECK(lines_with(marked, "completed: true").size() == 3);
  CHECK(marked.find("value: 0.5  # half") != std::string::npos);
}

TEST_CASE("a wrong operations file ends the program before there is a run") {
  const Workspace w;
  write_pipeline(w, "- name: chnage_lr\n  value: 1\n  trigger_loss: 2\n  max_wait_iters: 3\n");
  const Outcome outcome = w.train();
  CHECK(outcome.status == 2);
  CHECK(refusal(outcome) == "GC101");
  CHECK(outcome.err.find("ops.yaml:1:9: error[GC101]: no operation 'chnage_lr'; did you mean 'change_lr'?") !=
        std::string::npos);
  CHECK_FALSE(std::filesystem::exists(w.path("out")));
}

TEST_CASE("a metric that nothing publishes is a warning at its place") {
  const Workspace w;
  w.add_to_train_stage("[[stage.operation]]\nuse = \"change_lr\"\nvalue = 2\nwhen = { metric = \"exam.acc\", above = 0.5 }\n");
  const Outcome outcome = w.train(kShort);
  CHECK(outcome.status == 0);
  CHECK(lines_with(outcome.err + outcome.out, "operation 'change_lr' waits for the metric 'exam.acc'").size() == 1);
}
