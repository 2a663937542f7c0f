// The whole training loop on two and three ranks, which are threads here: whatever happens to one of them, none waits for ever
// and all of them end alike.
#include <ATen/ops/equal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/distributed/thread_group.h"
#include "tests/unit/train/rig.h"

#include "tests/catch.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

// One rig a rank. All of them start with the same weights.
struct Ranks {
  explicit Ranks(int64_t ranks, TrainOptions o = short_run()) {
    for (auto& group : thread_process_groups(ranks)) {
      rigs.push_back(std::make_unique<Rig>(o));
      rigs.back()->group = std::move(group);
      rigs.back()->use_group();
    }
    ends.resize(rigs.size());
    errors.resize(rigs.size());
  }
  // Runs each on a thread of its own. One that throws is lost for the others, as a process that ends is.
  void run() {
    std::vector<std::thread> threads;
    for (size_t rank = 0; rank < rigs.size(); ++rank)
      threads.emplace_back([this, rank] {
        try {
          ends[rank] = rigs[rank]->run();
        } catch (const Error& e) {
          errors[rank] = e.line();
          rigs[rank]->group.reset();
        }
      });
    for (std::thread& t : threads) t.join();
  }
  void check_alike() {
    for (size_t rank = 1; rank < rigs.size(); ++rank) {
      CHECK(at::equal(rigs[0]->weights(), rigs[rank]->weights()));
      CHECK(rigs[rank]->state.step == rigs[0]->state.step);
      CHECK(ends[rank] == ends[0]);
    }
  }
  Rig& last() { return *rigs.back(); }
  std::vector<std::unique_ptr<Rig>> rigs;
  std::vector<std::optional<StageEnd>> ends;
  std::vector<std::string> errors;
};

double number(const Record& r, const char* field) {
  return find(r.fields, field)->as<double>();
}

struct Throws final : Evaluator {
  explicit Throws(bool fails) : fails_(fails) {}
  void evaluate(const ModelView&, Results& results) override {
    if (fails_) throw std::runtime_error("no items");
    results.add("acc", 1);
  }
  bool fails_;
};

struct Plans final : Operation {
  explicit Plans(bool fails) : fails_(fails) {}
  void plan(const TrainingView&, ModelEdit& edit) override {
    if (fails_) throw Error(Code::conflict, "it does not fit");
    edit.set("learning_rate", 0.5);
  }
  bool fails_;
};

}  // namespace

TEST_CASE("a signal that one rank gets stops all of them after the same update") {
  const int64_t ranks = GENERATE(2, 3);
  Ranks all(ranks);
  // The first rank asks for the stop in the middle of its own evaluation, the others are anywhere then.
  const bool evaluating = GENERATE(false, true);
  all.rigs[0]->act = [&](const Record& r) {
    if (r.step == 4 && r.event == (evaluating ? Event::evaluation_started : Event::evaluation_ended)) std::raise(SIGUSR1);
  };
  all.run();
  CHECK(all.ends[0] == StageEnd::interrupted);
  all.check_alike();
  for (const auto& rig : all.rigs) CHECK(rig->saves.back().first == rig->state.step);
}

TEST_CASE("max_time ends all ranks after the same update, by the slowest one") {
  TrainOptions o = short_run();
  o.max_iters = 100000;
  o.max_time = 0.2;
  o.eval_interval = 0;
  Ranks all(GENERATE(2, 3), o);
  all.last().state.seconds = 0.1;  // of an earlier, slower start
  all.run();
  CHECK(all.ends[0] == StageEnd::finished);
  CHECK(all.rigs[0]->state.step < o.max_iters);
  CHECK(all.rigs[0]->state.seconds >= o.max_time);
  all.check_alike();
}

TEST_CASE("an evaluator that fails on one rank has failed on all of them, in one line each, and training goes on") {
  Ranks all(GENERATE(2, 3));
  for (const auto& rig : all.rigs) rig->evaluators.add("exam", std::make_unique<Throws>(rig == all.rigs.back()), "exam");
  all.run();
  CHECK(all.ends[0] == StageEnd::finished);
  all.check_alike();
  for (const auto& rig : all.rigs) {
    CHECK(rig->evaluators.failures() == std::map<std::string, int64_t>{{"exam", 3}});
    CHECK(rig->host.lines ==
          std::vector<std::string>{"evaluator 'exam' failed: no items", "evaluator 'exam' failed: no items",
                                   "evaluator 'exam' failed three times in a row and is switched off: no items"});
  }
}

TEST_CASE("an evaluator that measures other metrics on one rank has failed on all of them") {
  struct Named final : Evaluator {
    explicit Named(std::string own) : name(std::move(own)) {}
    void evaluate(const ModelView&, Results& results) override { results.add(name, 1); }
    std::string name;
  };
  Ranks all(3);
  for (const auto& rig : all.rigs)
    rig->evaluators.add("exam", std::make_unique<Named>(rig == all.rigs.front() ? "a" : "b"), "exam");
  all.run();
  all.check_alike();
  for (const auto& rig : all.rigs) CHECK(rig->evaluators.failures().at("exam") == 3);
}

// Has the rank's model compute no numbers in the update after that of step 3.
void spoil(Rig& rig, at::Tensor& kept) {
  rig.options.log_interval = 1;
  rig.act = [&](const Record& r) {
    if (r.event != Event::step_ended) return;
    if (r.step == 3) kept = rig.weights().clone();
    if (r.step == 3) rig.weights().fill_(std::numeric_limits<double>::quiet_NaN());
    if (r.step == 4) rig.weights().copy_(kept);
  };
}

TEST_CASE("an update whose numbers are not finite on one rank is refused by all of them") {
  TrainOptions o = short_run();
  o.on_nonfinite = "skip";
  Ranks all(GENERATE(2, 3), o);
  at::Tensor kept;
  spoil(all.last(), kept);
  all.run();
  CHECK(all.ends[0] == StageEnd::finished);
  all.check_alike();
  CHECK(all.rigs[0]->weights().isfinite().all().item<bool>());
  for (const auto& rig : all.rigs)
    CHECK(std::count_if(rig->host.lines.begin(), rig->host.lines.end(),
                        [](const std::string& line) { return line.find("update skipped") != std::string::npos; }) == 1);
}

TEST_CASE("a run that fails for numbers that are not finite fails on all ranks with one code") {
  Ranks all(2);
  at::Tensor kept;
  spoil(all.last(), kept);
  all.run();
  for (const std::string& error : all.errors) CHECK(error.find("error[GC600]") != std::string::npos);
  CHECK(at::equal(all.rigs[0]->weights(), kept));
}

TEST_CASE("an operation that cannot be planned on one rank is carried out on none") {
  const bool skip = GENERATE(true, false);
  Ranks all(3);
  When when;
  when.at_iter = 6;
  for (const auto& rig : all.rigs) {
    ScheduledOperation o{"plans", std::make_unique<Plans>(rig == all.rigs.back()), when, 0, kAllEffects};
    o.skip_on_error = skip;
    rig->operations.add(std::move(o));
  }
  all.run();
  for (const auto& rig : all.rigs) {
    CHECK(rig->count(Event::model_edited) == 0);
    CHECK(rig->state.step == (skip ? 12 : 6));
  }
  for (const std::string& error : all.errors)
    CHECK((error.find("operation 'plans' after step 6: it does not fit") != std::string::npos) == !skip);
  CHECK(at::equal(all.rigs[0]->weights(), all.rigs[2]->weights()));
}

TEST_CASE("a checkpoint that rank 0 cannot save has failed on all ranks") {
  Ranks all(2);
  all.rigs[0]->refuse_saves = 1;
  all.run();
  CHECK(all.ends[0] == StageEnd::finished);
  all.check_alike();
  for (const auto& rig : all.rigs)
    CHECK(std::count_if(rig->host.lines.begin(), rig->host.lines.end(), [](const std::string& line) {
            return line.find("the checkpoint could not be saved, training goes on") == 0;
          }) == 1);
}

TEST_CASE("memory that is short on one rank has all of them save") {
  TrainOptions o = short_run();
  o.eval_interval = 0;
  Ranks all(2, o);
  const auto proc = std::filesystem::temp_directory_path() / ("gptcore-ranks-" + std::to_string(::getpid()));
  std::filesystem::create_directories(proc);
  std::ofstream(proc / "meminfo") << "MemTotal: 1000 kB\nMemAvailable: 1 kB\n";
  all.last().memory.proc = proc.string();
  all.run();
  std::filesystem::remove_all(proc);
  all.check_alike();
  CHECK(all.rigs[0]->saves.size() == 2);
  CHECK(all.rigs[0]->saves == all.rigs[1]->saves);
  CHECK(all.rigs[0]->host.lines.at(0).find("memory is short on another rank") == 0);
}

TEST_CASE("the loss that is published is the mean over all ranks' targets") {
  TrainOptions o = short_run();
  o.log_interval = 1;
  o.eval_interval = 0;
  const int64_t ranks = GENERATE(2, 3);
  Ranks all(ranks, o);
  all.run();
  o.batch_size *= ranks;
  Rig whole(o);
  whole.run();
  const auto losses = [](const Rig& rig) {
    std::vector<double> numbers;
    for (const Record& r : rig.records)
      if (r.event == Event::step_ended) numbers.push_back(number(r, "loss"));
    return numbers;
  };
  const std::vector<double> together = losses(*all.rigs[0]), alone = losses(whole);
  REQUIRE(together.size() == alone.size());
  for (size_t i = 0; i < alone.size(); ++i) CHECK(together[i] == Approx(alone[i]).epsilon(1e-4));
  CHECK(losses(all.last()) == together);
}

TEST_CASE("a rank that is lost ends the others with an error instead of a wait") {
  Ranks all(3);
  all.last().dataset.fail_at = 16;  // of its third update
  all.run();
  CHECK(all.errors[2].find("sample 16 is bad") != std::string::npos);
  for (size_t rank = 0; rank < 2; ++rank) CHECK(all.errors[rank].find("error[GC800]") != std::string::npos);
}
