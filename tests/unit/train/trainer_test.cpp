#include "core/train/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>

#include <cmath>
#include <csignal>
#include <limits>
#include <thread>

#include "core/distributed/thread_group.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/train/rig.h"

using namespace gptcore;
using gptcore::testing::Rig;
using gptcore::testing::short_run;

TEST_CASE("a run evaluates at 0, at every interval and at the end, and learns", "[trainer]") {
  TrainOptions o = short_run();
  o.max_iters = 10;
  Rig rig(o);
  CHECK(rig.run() == StageEnd::finished);
  std::vector<int64_t> at;
  for (const Record& r : rig.records)
    if (r.event == Event::evaluation_ended) at.push_back(r.step);
  CHECK(at == std::vector<int64_t>{0, 4, 8, 10});
  CHECK(rig.state.val_loss < std::log(11.0));
  CHECK(rig.state.tokens == 10 * 2 * 4);
  CHECK(rig.saves.back().first == 10);
  CHECK(rig.count(Event::step_ended) == 10);
}

TEST_CASE("a run resumed at any checkpoint ends with the same bits as an undisturbed one", "[trainer]") {
  const double dropout = GENERATE(0.0, 0.3);
  const int64_t accumulation = GENERATE(1, 3);
  const int64_t stop = GENERATE(1, 4, 7, 11);
  CAPTURE(dropout, accumulation, stop);
  TrainOptions o = short_run();
  o.gradient_accumulation_steps = accumulation;
  Rig whole(o, dropout);
  whole.run();

  Rig first(o, dropout);
  first.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == stop) std::raise(SIGUSR1);
  };
  CHECK(first.run() == StageEnd::interrupted);
  CHECK(first.saved.step == stop);
  Rig second(o, dropout);
  second.take(first);
  CHECK(second.run() == StageEnd::finished);
  CHECK(at::equal(whole.weights(), second.weights()));
  CHECK(whole.state.val_loss == second.state.val_loss);
  CHECK(whole.state.best_val_loss == second.state.best_val_loss);
}

TEST_CASE("eval_interval 0 evaluates at the end only", "[trainer]") {
  TrainOptions o = short_run();
  o.eval_interval = 0;
  Rig rig(o);
  rig.run();
  CHECK(rig.count(Event::evaluation_ended) == 1);
  CHECK(rig.saves == std::vector<std::pair<int64_t, bool>>{{12, true}});
}

TEST_CASE("a save that fails for want of disk is tried again later, three times at most", "[trainer]") {
  TrainOptions o = short_run();
  o.eval_interval = 1;
  Rig rig(o);
  rig.refuse_saves = 2;
  CHECK(rig.run() == StageEnd::finished);
  CHECK(rig.host.lines.size() == 2);
  CHECK(rig.saves.back().first == 12);
  Rig full(o);
  full.refuse_saves = 1000;
  CHECK_THROWS_WITH(full.run(), "no space");
  CHECK(full.state.step == 3);
}

TEST_CASE("a finished stage started again changes and saves nothing", "[trainer]") {
  Rig rig(short_run());
  rig.run();
  const at::Tensor weights = rig.weights().clone();
  rig.saves.clear();
  CHECK(rig.run() == StageEnd::finished);
  CHECK(at::equal(weights, rig.weights()));
  CHECK(rig.saves.empty());
}

TEST_CASE("accumulated micro-batches equal one big batch", "[trainer]") {
  TrainOptions small = short_run(), big = short_run();
  small.batch_size = 2;
  small.gradient_accumulation_steps = 4;
  big.batch_size = 8;
  Rig a(small), b(big);
  a.run();
  b.run();
  CHECK((a.weights() - b.weights()).abs().max().item<double>() < 1e-5);
}

TEST_CASE("each target weighs the same, however unevenly micro-batches are masked", "[trainer]") {
  const auto weights = [](int64_t batch, int64_t accumulation) {
    TrainOptions o = short_run();
    o.max_iters = 1;
    o.batch_size = batch;
    o.gradient_accumulation_steps = accumulation;
    Rig rig(o);
    rig.dataset.mask = true;
    rig.run();
    return std::pair(rig.weights().clone(), rig.state.grad_norm);
  };
  const auto [whole, norm] = weights(8, 1);
  for (const auto& [batch, accumulation] : {std::pair(2, 4), std::pair(1, 8)}) {
    const auto [parts, parts_norm] = weights(batch, accumulation);
    CHECK((whole - parts).abs().max().item<double>() < 1e-6);
    CHECK(parts_norm == Approx(norm).epsilon(1e-6));
  }
}

TEST_CASE("threads that share a batch reach the weights of one thread, and the same bits every time", "[trainer]") {
  TrainOptions o = short_run();
  o.batch_size = 5;  // the rows do not divide evenly
  Rig one(o), three(o, 0, 3), again(o, 0, 3), dropout(o, 0.1, 3);
  CHECK(one.workers->count() == 1);
  CHECK(three.workers->count() == 3);
  CHECK(dropout.workers->count() == 1);
  one.run();
  three.run();
  again.run();
  CHECK((one.weights() - three.weights()).abs().max().item<double>() < 1e-5);
  CHECK(at::equal(three.weights(), again.weights()));
}

TEST_CASE("tokens_per_step sets the accumulation or is refused when it does not divide", "[trainer]") {
  TrainOptions o = short_run();
  o.tokens_per_step = 2 * 4 * 5;
  CHECK(accumulation_steps(o, 4, 1) == 5);
  o.tokens_per_step = 80;
  CHECK(accumulation_steps(o, 4, 2) == 5);
  o.tokens_per_step = 81;
  CHECK_THROWS_WITH(accumulation_steps(o, 4, 1),
                    Catch::Contains("81 is not a multiple of batch_size x block_size x ranks = 8"));
}

TEST_CASE("training stops at max_tokens, and early without improvement", "[trainer]") {
  TrainOptions o = short_run();
  o.max_tokens = 5 * 8;
  Rig tokens(o);
  CHECK(tokens.run() == StageEnd::finished);
  CHECK(tokens.state.step == 5);

  o = short_run();
  o.max_iters = 1000;
  o.eval_interval = 1;
  o.patience = 2;
  o.learning_rate = 1e-12;  // cannot improve by min_delta
  Rig stuck(o);
  CHECK(stuck.run() == StageEnd::early_stopped);
  CHECK(stuck.state.step == 2);
  CHECK(stuck.run() == StageEnd::early_stopped);  // also when resumed
  CHECK(stuck.state.step == 2);
}

TEST_CASE("patience counts from a loss that moves only by more than min_delta, as a plateau does", "[trainer]") {
  TrainOptions o = short_run();
  o.max_iters = 40;
  o.eval_interval = 1;
  o.warmup_iters = 0;
  o.schedule = "constant";
  o.learning_rate = 1e-4;
  Rig free(o);
  free.run();
  std::vector<double> losses;
  for (const Record& r : free.records)
    if (r.event == Event::evaluation_ended) losses.push_back(find(r.fields, "val_loss")->as<double>());
  double largest = 0;
  for (size_t i = 1; i < losses.size(); ++i) largest = std::max(largest, losses[i - 1] - losses[i]);
  o.min_delta = 2 * largest;  // no single fall is as large, several together are
  o.patience = 10;
  REQUIRE(losses.front() - losses.back() > 6 * o.min_delta);
  Rig patient(o);
  CHECK(patient.run() == StageEnd::finished);
  CHECK(patient.state.best_val_loss == *std::min_element(losses.begin(), losses.end()));
  CHECK(patient.state.patience.reference >= patient.state.best_val_loss);
}

TEST_CASE("eval_only measures and changes nothing", "[trainer]") {
  TrainOptions o = short_run();
  o.eval_only = true;
  Rig rig(o);
  const at::Tensor weights = rig.weights().clone();
  CHECK(rig.run() == StageEnd::finished);
  CHECK(rig.count(Event::evaluation_ended) == 1);
  CHECK(rig.count(Event::step_ended) == 0);
  CHECK(rig.saves.empty());
  CHECK(at::equal(weights, rig.weights()));
}

TEST_CASE("eval_only measures a trained run again, and asks no operation", "[trainer]") {
  Rig rig(short_run());
  rig.run();
  rig.records.clear();
  rig.saves.clear();
  rig.options.eval_only = true;
  const at::Tensor weights = rig.weights().clone();
  const auto loss = rig.state.val_loss;
  CHECK(rig.run() == StageEnd::finished);
  CHECK(rig.count(Event::evaluation_ended) == 1);
  CHECK(rig.state.val_loss == loss);
  CHECK(rig.saves.empty());
  CHECK(at::equal(weights, rig.weights()));
}

TEST_CASE("a loss that is not finite ends the run with the parameters of the last good update", "[trainer]") {
  TrainOptions o = short_run();
  o.log_interval = GENERATE(1, 100);
  o.gradient_accumulation_steps = GENERATE(1, 2);
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  Rig rig(o);
  at::Tensor poisoned;
  rig.act = [&](const Record& r) {
    if (r.event != Event::evaluation_ended || r.step != 4) return;
    const at::NoGradGuard no_grad;
    rig.weights()[0] = bad;
    poisoned = rig.weights().clone();
  };
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("step 4") && Catch::Contains("first gradient that is not finite"));
  CHECK(at::equal(rig.weights().narrow(0, 1, 50), poisoned.narrow(0, 1, 50)));
}

TEST_CASE("on_nonfinite = skip goes on for max_skips updates and says so", "[trainer]") {
  TrainOptions o = short_run();
  o.on_nonfinite = "skip";
  o.max_skips = 3;
  Rig rig(o);
  rig.act = [&](const Record& r) {
    const at::NoGradGuard no_grad;
    if (r.event == Event::evaluation_ended && r.step == 4) rig.weights()[0] = std::numeric_limits<float>::quiet_NaN();
  };
  CHECK_THROWS_AS(rig.run(), Error);
  CHECK(rig.host.lines.size() == 3);
  CHECK(rig.state.step == 8);
}

TEST_CASE("a split without a target in the evaluated windows has no loss and is never the best", "[trainer]") {
  Rig rig(short_run());
  rig.dataset.no_val_targets = true;
  CHECK(rig.run() == StageEnd::finished);
  CHECK(rig.state.train_loss);
  CHECK_FALSE(rig.state.val_loss);
  CHECK(rig.state.best_val_loss == std::numeric_limits<double>::infinity());
  CHECK(rig.state.patience.evaluations == 0);
  for (const auto& [step, best] : rig.saves) CHECK_FALSE(best);
  for (const Record& r : rig.records) {
    if (r.event != Event::evaluation_ended) continue;
    CHECK(find(r.fields, "train_loss"));
    CHECK_FALSE(find(r.fields, "val_loss"));
    CHECK_FALSE(find(r.fields, "best"));
    REQUIRE(find(r.fields, "no_targets"));
    CHECK(*find(r.fields, "no_targets") == Value(List{Value("val")}));
  }
}

TEST_CASE("an update without a target has no loss, no gradient norm and no MFU", "[trainer]") {
  Rig rig(short_run());
  rig.options.log_interval = 1;
  rig.peak_flops = 1e12;
  rig.dataset.empty_from = 8;  // of updates 4 and 5
  rig.dataset.empty_until = 12;
  CHECK(rig.run() == StageEnd::finished);
  for (const Record& r : rig.records) {
    if (r.event != Event::step_ended) continue;
    const bool empty = r.step == 5 || r.step == 6;
    INFO("step " << r.step);
    for (const char* name : {"loss", "grad_norm", "mfu"}) CHECK((find(r.fields, name) == nullptr) == empty);
    CHECK((find(r.fields, "no_targets") != nullptr) == empty);
    CHECK(find(r.fields, "lr"));
  }
}

TEST_CASE("an update without a target changes no weight, no moment and no count, and the stage goes on", "[trainer]") {
  const auto trained = [](int64_t updates, int64_t empty_from) {
    TrainOptions o = short_run();
    o.max_iters = updates;
    o.lr_decay_iters = 12;
    o.weight_decay = 10;
    auto rig = std::make_unique<Rig>(o);
    rig->scaler = GradScaler(true, at::kCPU);
    rig->dataset.empty_from = empty_from;
    rig->dataset.empty_until = empty_from + 4;
    CHECK(rig->run() == StageEnd::finished);
    return rig;
  };
  const auto until = trained(4, 100), beyond = trained(6, 8);  // updates 4 and 5 have no target
  CHECK(beyond->state.step == 6);
  CHECK(beyond->state.samples == 12);
  CHECK(beyond->state.tokens == 48);
  CHECK(at::equal(until->weights(), beyond->weights()));
  CHECK(until->scaler.growth().item<int>() == 4);
  CHECK(beyond->scaler.growth().item<int>() == 4);
  const auto before = until->optimizer->state(), after = beyond->optimizer->state();
  REQUIRE(before.size() == after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    CAPTURE(before[i].first);
    CHECK(at::equal(before[i].second, after[i].second));
  }
}

TEST_CASE("a run resumed next to updates without a target ends with the same bits", "[trainer]") {
  const int64_t stop = GENERATE(4, 5, 6, 7);
  CAPTURE(stop);
  const auto prepare = [](Rig& rig) {
    rig.dataset.empty_from = 8;  // of updates 4 and 5
    rig.dataset.empty_until = 12;
  };
  Rig whole(short_run());
  prepare(whole);
  whole.run();
  Rig first(short_run());
  prepare(first);
  first.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == stop) std::raise(SIGUSR1);
  };
  CHECK(first.run() == StageEnd::interrupted);
  Rig second(short_run());
  prepare(second);
  second.take(first);
  CHECK(second.run() == StageEnd::finished);
  CHECK(at::equal(whole.weights(), second.weights()));
}

TEST_CASE("a micro-batch without a target leaves the weight of the other targets as it is", "[trainer]") {
  const auto trained = [](int64_t batch, int64_t accumulation) {
    TrainOptions o = short_run();
    o.batch_size = batch;
    o.gradient_accumulation_steps = accumulation;
    Rig rig(o);
    rig.dataset.empty_from = 10;  // the second micro-batch of the second update
    rig.dataset.empty_until = 12;
    rig.run();
    return rig.weights().clone();
  };
  CHECK((trained(2, 4) - trained(8, 1)).abs().max().item<double>() < 1e-5);
}

TEST_CASE("ranks of which one or all have no target train as one rank with all the samples does", "[trainer]") {
  const int64_t empty_until = GENERATE(10, 12);  // half of update 2, or all of it
  const auto make = [&](int64_t batch, std::unique_ptr<ProcessGroup> group) {
    TrainOptions o = short_run();
    o.batch_size = batch;
    auto rig = std::make_unique<Rig>(o);
    rig->group = std::move(group);
    rig->use_group();
    rig->dataset.empty_from = 8;
    rig->dataset.empty_until = empty_until;
    return rig;
  };
  const auto whole = make(4, single_process_group());
  whole->run();
  std::vector<std::unique_ptr<Rig>> rigs;
  for (auto& group : thread_process_groups(2)) rigs.push_back(make(2, std::move(group)));
  std::vector<std::thread> threads;
  for (auto& rig : rigs) threads.emplace_back([&rig] { rig->run(); });
  for (std::thread& t : threads) t.join();
  CHECK(at::equal(rigs[0]->weights(), rigs[1]->weights()));
  CHECK((whole->weights() - rigs[0]->weights()).abs().max().item<double>() < 1e-5);
}

TEST_CASE("an update without a target does not break a row of refused ones", "[trainer]") {
  TrainOptions o = short_run();
  o.on_nonfinite = "skip";
  o.max_skips = 2;
  Rig rig(o);
  rig.dataset.empty_from = 4;  // of update 2
  rig.dataset.empty_until = 6;
  rig.weights().fill_(std::numeric_limits<double>::quiet_NaN());
  CHECK_THROWS(rig.run());
  CHECK(rig.state.step == 4);  // refused, refused, without a target, refused
}

TEST_CASE("an update without a target fires no operation on its loss or gradient norm", "[trainer]") {
  struct Freeze final : Operation {
    void plan(const TrainingView&, ModelEdit& edit) override { edit.freeze("wpe"); }
  };
  const char* metric = GENERATE("loss", "grad_norm", "mfu");
  Rig rig(short_run());
  rig.options.log_interval = 1;
  rig.peak_flops = 1;
  rig.dataset.empty_from = 8;
  rig.dataset.empty_until = 12;
  When when;
  when.metric = metric;
  when.below = 1e-9;
  rig.operations.add({"freeze", std::make_unique<Freeze>(), when, 0, kAllEffects});
  CHECK(rig.run() == StageEnd::finished);
  CHECK(rig.count(Event::model_edited) == 0);
}

TEST_CASE("MFU counts the micro-batches that the model was asked for", "[trainer]") {
  const auto shares = [](int64_t empty_until) {  // mfu x time: the computed work of the third update
    Rig rig(short_run());
    rig.options.log_interval = 1;
    rig.options.gradient_accumulation_steps = 2;
    rig.peak_flops = 1e12;
    rig.dataset.empty_from = 8;  // its first micro-batch
    rig.dataset.empty_until = empty_until;
    rig.run();
    for (const Record& r : rig.records)
      if (r.event == Event::step_ended && r.step == 3)
        return find(r.fields, "mfu")->as<double>() * find(r.fields, "ms")->as<double>();
    return 0.0;
  };
  CHECK(shares(10) == Approx(shares(8) / 2));
}

TEST_CASE("a stage that ends with a loss that is not finite saves and then fails as diverged", "[trainer]") {
  TrainOptions o = short_run();
  o.max_iters = 4;
  o.on_nonfinite = "skip";
  o.eval_only = GENERATE(false, true);
  Rig rig(o);
  if (o.eval_only) rig.weights().detach().fill_(std::numeric_limits<float>::quiet_NaN());
  rig.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == 4) rig.weights().detach().fill_(std::numeric_limits<float>::quiet_NaN());
  };
  try {
    rig.run();
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == Code::nonfinite);
    CHECK_THAT(e.what(), Catch::Contains("train loss at step") && Catch::Contains("is nan"));
  }
  CHECK(rig.saves.size() == (o.eval_only ? 0 : 1));
}

TEST_CASE("a step that is not finite names what was wrong before it, or what is not set yet", "[trainer]") {
  const auto said = [](const std::string& policy, bool poisoned) {
    TrainOptions o = short_run();
    o.on_nonfinite = policy;
    o.max_skips = 0;
    o.learning_rate = 1e30;  // ends beyond float32
    o.warmup_iters = 0;
    o.grad_clip = 0;
    o.eval_interval = 0;
    Rig rig(o);
    if (poisoned) rig.weights().detach()[0] = std::numeric_limits<float>::quiet_NaN();
    try {
      rig.run();
    } catch (const Error& e) {
      return e.what() + ("; " + e.hint());
    }
    return std::string("no error");
  };
  CHECK_THAT(said("abort", true), Catch::Contains("wte.weight was not finite before this step"));
  CHECK_THAT(said("abort", false), Catch::Contains("not finite before") || Catch::Contains("set on_nonfinite = \"skip\""));
  CHECK_THAT(said("skip", true), !Catch::Contains("set on_nonfinite"));
}

TEST_CASE("only improvements are saved when always_save_checkpoint is off, and the end always", "[trainer]") {
  TrainOptions o = short_run();
  o.always_save_checkpoint = false;
  o.learning_rate = 10;  // diverges after the first updates
  o.grad_clip = 0;
  Rig rig(o);
  rig.run();
  for (size_t i = 0; i + 1 < rig.saves.size(); ++i) CHECK(rig.saves[i].second);
  CHECK(rig.saves.back().first == 12);
}

TEST_CASE("the loss goes to a logger that fails without stopping the run", "[trainer]") {
  Rig rig(short_run());
  rig.act = [](const Record& r) {
    if (r.step == 3) throw std::runtime_error("disk is full");
  };
  CHECK(rig.run() == StageEnd::finished);
  REQUIRE(rig.host.lines.size() == 1);
  CHECK(rig.host.lines[0] == "logger 'recorder' is switched off for the rest of the run: disk is full");
}

TEST_CASE("a best model of which no checkpoint could be saved does not count as the best", "[trainer]") {
  Rig rig(short_run());
  const int64_t full_at = GENERATE(8, 12);
  double before = 0;
  rig.act = [&](const Record& r) {
    if (r.step == 4 && r.event == Event::evaluation_ended) before = rig.state.best_val_loss;
    if (r.step == full_at && r.event == Event::evaluation_ended) rig.refuse_saves = 1;
    if (r.step == 9 && full_at == 8) CHECK(rig.state.best_val_loss == before);
  };
  rig.options.log_interval = 1;
  REQUIRE(rig.run() == StageEnd::finished);
  CHECK(rig.count(Event::step_ended) == 12);
  // The same model is the best when it is saved at the end.
  CHECK(rig.saves.back() == std::pair<int64_t, bool>(12, true));
  CHECK(rig.saved.best_val_loss == rig.saved.val_loss);
  CHECK(rig.saved.best_val_loss < before);
}

TEST_CASE("a val loss over other windows is no better and no worse than earlier ones", "[trainer]") {
  const bool other = GENERATE(true, false);
  TrainOptions o = short_run();
  o.patience = 5;
  Rig rig(o);
  rig.state.best_val_loss = 0.001;  // of one lucky window
  rig.state.patience = {0.001, 4};
  rig.state.best_measured = EvaluationPlan{other ? 1 : 4, 1};  // here 2 batches of 2
  CHECK(rig.run() == (other ? StageEnd::finished : StageEnd::early_stopped));
  CHECK((rig.state.best_val_loss > 0.001) == other);
  CHECK((!rig.saves.empty() && rig.saves.front() == std::pair<int64_t, bool>(4, true)) == other);
  CHECK(std::count_if(rig.host.lines.begin(), rig.host.lines.end(), [](const std::string& line) {
          return line.find("evaluations take other windows than before") != line.npos;
        }) == (other ? 1 : 0));
}

TEST_CASE("a stage none of whose updates had a target says that it has changed no weight", "[trainer]") {
  const int64_t empty_until = GENERATE(24, 20);  // of 24 samples
  Rig rig(short_run());
  rig.dataset.empty_until = empty_until;
  CHECK(rig.run() == StageEnd::finished);
  CHECK(std::count_if(rig.host.lines.begin(), rig.host.lines.end(), [](const std::string& line) {
          return line.find("no target was in any of the 12 updates up to step 12") != line.npos;
        }) == (empty_until == 24 ? 1 : 0));
}
