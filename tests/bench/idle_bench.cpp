// What a plugin that has nothing to do costs: one call of an idle operation, and a training step with ten of them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/model/gpt.h"
#include "core/model/network.h"
#include "core/plugin/loader.h"
#include "core/surgery/planned_edit.h"
#include "core/train/operation_set.h"
#include "tests/cli/workspace.h"

namespace {

using namespace gptcore;
using Clock = std::chrono::steady_clock;

std::string plugin() {
  return std::string(std::getenv("GPTCORE_BUILD")) + "/tests/bench/idle.so";
}

// Plans, and commits nothing.
struct Planning final : OperationDuties {
  Planning(const OperationSet& all, const NetworkView& model) : operations(all), view(model) {}
  Outcome carry_out(size_t index, const TrainingView& now) override {
    const ScheduledOperation& o = operations.operations()[index];
    PlannedEdit edit(view, o.effects);
    o.operation->plan(now, edit);
    return edit.empty() ? Outcome::nothing : Outcome::changed;
  }
  bool nothing_to_undo(size_t) override { return false; }
  std::optional<double> last_val_loss() const override { return {}; }
  int64_t edits() const override { return 0; }
  void refresh(TrainingView&) override {}
  Reevaluation reevaluate() override { return {}; }
  double agree(double number) override { return number; }
  void report(Table) override {}
  int64_t first_step() const override { return 0; }
  void save() override {}
  const OperationSet& operations;
  const NetworkView& view;
};

double nanoseconds_a_call() {
  PluginSet plugins;
  plugins.load(plugin());
  OperationSet operations;
  operations.add({"idle", plugins.operation("idle", {}), {}, on(Event::step_ended), 0});
  Network network(std::make_unique<Gpt>(GptOptions{}));
  const NetworkView view(network);
  Planning duties(operations, view);
  constexpr int64_t kCalls = 2'000'000;
  TrainingView now;
  const auto start = Clock::now();
  for (int64_t i = 0; i < kCalls; ++i) {
    now.step = i;
    operations.ask(now, {}, duties);
  }
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / kCalls;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Median ms of a step of tiny.toml with `count` idle operations.
double step_ms(int count) {
  const test::Workspace w;
  std::string text = test::read(w.path("tiny.toml"));
  std::string tables;
  for (int i = 0; i < count; ++i) tables += "\n  [[stage.operation]]\n  use = \"idle\"\n";
  text.insert(text.find("\n[[stage]]", text.find("log_interval")), tables);
  w.write("tiny.toml", text);
  const auto outcome = w.train({"--plugin", plugin(), "--set", "train.log_interval=1", "--set", "train.eval_interval=0"});
  if (outcome.status != 0) {
    std::fputs(outcome.err.c_str(), stderr);
    std::exit(1);
  }
  std::vector<double> all;
  for (const auto& record : test::records(w.path("out"), "step_ended")) all.push_back(record.at("ms"));
  return median(all);
}

}  // namespace

int main() {
  ::setenv("GPTCORE_BUILD", BUILD_FOLDER, /*overwrite=*/0);
  std::printf("idle operation: %.1f ns an event (goal: 50)\n", nanoseconds_a_call());
  std::vector<double> none, ten;
  for (int round = 0; round < 10; ++round) {
    none.push_back(step_ms(0));
    ten.push_back(step_ms(10));
  }
  const auto [low, high] = std::minmax_element(none.begin(), none.end());
  std::printf("step of a tiny model, medians of ten runs each: %.4f ms without, %.4f ms with ten idle operations\n",
              median(none), median(ten));
  std::printf("difference %+.4f ms; runs without spread over %.4f ms (%.4f to %.4f)\n", median(ten) - median(none),
              *high - *low, *low, *high);
  return 0;
}
