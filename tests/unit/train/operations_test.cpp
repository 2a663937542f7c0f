#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <cmath>
#include <csignal>

#include "gptcore/draft/model_edit.h"
#include "tests/catch.h"
#include "tests/unit/train/rig.h"

using namespace gptcore;
using gptcore::testing::QuietHost;
using gptcore::testing::Rig;
using gptcore::testing::short_run;

namespace {

using Plan = std::function<void(const TrainingView&, ModelEdit&)>;

struct Planned final : Operation {
  explicit Planned(Plan p) : what(std::move(p)) {}
  void plan(const TrainingView& now, ModelEdit& edit) override {
    asked.push_back(now.step);
    what(now, edit);
  }
  std::string save() const override { return std::to_string(asked.size()); }
  Plan what;
  std::vector<int64_t> asked;
};

Planned& add(Rig& rig, Plan plan, std::optional<When> when = {}, EventSet events = on(Event::step_ended)) {
  auto made = std::make_unique<Planned>(std::move(plan));
  Planned& ref = *made;
  rig.operations.add({"planned", std::move(made), when, events, kAllEffects});
  return ref;
}

When when_every(int64_t n) {
  When w;
  w.every = n;
  return w;
}

// The records of operations in that phase.
std::vector<Record> in_phase(const Rig& rig, const std::string& phase) {
  std::vector<Record> out;
  for (const Record& r : rig.records)
    if (const Value* found = find(r.fields, "phase"); r.event == Event::operation && found && *found == Value(phase))
      out.push_back(r);
  return out;
}

double number(const Record& r, const char* name) {
  const Value* value = find(r.fields, name);
  REQUIRE(value);
  return value->as<double>();
}

When when_of(const Table& keys) {
  When w;
  schema_of<When>().assign(keys, w);
  return w;
}

struct Half final : Evaluator {
  void evaluate(const ModelView&, Results& results) override { results.add("half", 1, 2); }
};

void halve(const TrainingView& now, ModelEdit& edit) {
  edit.set("learning_rate", now.learning_rate / 2);
}

}  // namespace

TEST_CASE("an operation is asked at the events and conditions its table names", "[operations]") {
  const auto nothing = [](const TrainingView&, ModelEdit&) {};
  Rig rig(short_run());  // 12 updates, evaluations at 0 4 8 12
  When at_zero, at_five, late;
  at_zero.at_iter = 0;
  at_five.at_iter = 5;
  late.after_iters = 6;
  late.loss_below = -1;
  Planned& each = add(rig, nothing);
  Planned& third = add(rig, nothing, when_every(3));
  Planned& first = add(rig, nothing, at_zero);
  Planned& fifth = add(rig, nothing, at_five);
  Planned& after = add(rig, nothing, late);
  Planned& evaluations = add(rig, nothing, {}, on(Event::evaluation_ended));
  rig.run();
  CHECK(each.asked.size() == 12);
  CHECK(third.asked == std::vector<int64_t>{3, 6, 9, 12});
  CHECK(first.asked == std::vector<int64_t>{0});
  CHECK(fifth.asked == std::vector<int64_t>{5});
  CHECK(after.asked == std::vector<int64_t>{8});  // at evaluations, once
  CHECK(evaluations.asked == std::vector<int64_t>{0, 4, 8, 12});
}

TEST_CASE("a planned setting holds from the next update on and is told to loggers", "[operations]") {
  TrainOptions o = short_run();
  o.schedule = "constant";
  o.warmup_iters = 0;
  Rig rig(o);
  add(rig, halve, when_every(5));
  rig.run();
  std::vector<double> rates;
  for (const Record& r : rig.records)
    if (r.event == Event::step_ended) rates.push_back(find(r.fields, "lr")->as<double>());
  CHECK(rates[4] == Approx(1e-2));
  CHECK(rates[5] == Approx(5e-3));
  CHECK(rates[10] == Approx(2.5e-3));
  CHECK(in_phase(rig, "start").size() == 2);
  CHECK(in_phase(rig, "success").size() == 2);
  CHECK(rig.count(Event::model_edited) == 2);
}

TEST_CASE("the rates of a log line are of the updates it covers, though an operation changed the batch", "[operations]") {
  TrainOptions options = short_run();
  options.log_interval = 8;
  Rig rig(options);
  rig.peak_flops = 1e12;
  When when;
  when.at_iter = 4;
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{6}); }, when);
  double tokens = 0, flops = 0;
  rig.act = [&](const Record& r) {
    if (r.event != Event::step_ended || r.step != 9) return;  // covers the updates from 1 to 8
    const double seconds = 8 * number(r, "ms") / 1e3;
    tokens = number(r, "tokens_per_s") * seconds;
    flops = number(r, "mfu") * rig.peak_flops * seconds;
  };
  rig.run();
  CHECK(tokens == Approx(4 * (3 * 2 + 5 * 6)));
  CHECK(flops == Approx(tokens * rig.model.flops_per_token()));
}

TEST_CASE("a larger batch goes on at the next sample", "[operations]") {
  Rig rig(short_run());
  When when;
  when.at_iter = 4;
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{6}); }, when);
  rig.run();
  CHECK(rig.state.samples == 4 * 2 + 8 * 6);
  CHECK(rig.state.tokens == rig.state.samples * 4);
}

TEST_CASE("a frozen layer keeps its weights and moments, and trains on after it is unfrozen", "[operations]") {
  Rig rig(short_run());
  When four, eight;
  four.at_iter = 4;
  eight.at_iter = 8;
  at::Tensor frozen, moment, moved;
  const auto value = [&] { return rig.model.parameters().front().tensor.detach().clone(); };  // wte.weight
  const auto first_moment = [&] {
    for (auto& [name, tensor] : rig.optimizer->state())
      if (name == "exp_avg.wte.weight") return tensor.clone();
    return at::Tensor();
  };
  rig.act = [&](const Record& r) {
    if (r.event == Event::model_edited && r.step == 4) frozen = value(), moment = first_moment();
    if (r.event == Event::step_ended && r.step == 8) {
      CHECK(at::equal(frozen, value()));
      CHECK(at::equal(moment, first_moment()));
      CHECK_FALSE(moment.eq(0).all().item<bool>());
    }
    if (r.event == Event::step_ended && r.step == 9) moved = value();
  };
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.freeze("wte"); }, four);
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.unfreeze("*"); }, eight);
  rig.run();
  REQUIRE(frozen.defined());
  CHECK_FALSE(at::equal(frozen, moved));
}

TEST_CASE("a run with operations resumed at any checkpoint ends with the same bits", "[operations]") {
  const int64_t stop = GENERATE(1, 3, 4, 5, 6, 7, 8, 11);
  CAPTURE(stop);
  const auto planned = [](Rig& rig) {
    When five, eight;
    five.at_iter = 5;
    eight.after_iters = 8;
    add(rig, halve, when_every(3));
    add(
        rig, [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{3}), edit.freeze("blocks.0.mlp.*"); },
        five);
    add(
        rig, [](const TrainingView&, ModelEdit& edit) { edit.unfreeze("blocks.0.mlp.fc"), edit.set("weight_decay", 0.5); },
        eight);
  };
  Rig whole(short_run());
  planned(whole);
  whole.run();
  Rig first(short_run());
  planned(first);
  first.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == stop) std::raise(SIGUSR1);
  };
  CHECK(first.run() == StageEnd::interrupted);
  Rig second(short_run());
  planned(second);
  second.take(first);
  CHECK(second.run() == StageEnd::finished);
  const auto a = whole.model.parameters(), b = second.model.parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].name);
    CHECK(at::equal(a[i].tensor, b[i].tensor));
  }
  CHECK(whole.state.val_loss == second.state.val_loss);
}

TEST_CASE("a plan that cannot be right ends the run, names the operation and changes nothing", "[operations]") {
  const auto refused = [](Plan plan, Effects effects = kAllEffects) {
    Rig rig(short_run());
    When when;
    when.at_iter = 2;
    rig.operations.add({"wrong", std::make_unique<Planned>(std::move(plan)), when, 0, effects});
    std::string message;
    try {
      rig.run();
    } catch (const Error& e) {
      message = std::string(e.what()) + " | " + e.hint();
    }
    CHECK(rig.state.settings.empty());
    CHECK(rig.state.step == 2);
    return message;
  };
  CHECK(refused([](auto&, ModelEdit& e) { e.set("learning_rat", 1.0); }) ==
        "no setting 'learning_rat' can change during training | did you mean 'learning_rate'?");  // a plugin's name comes first
  CHECK_THAT(refused([](auto&, ModelEdit& e) { e.set("batch_size", int64_t{0}); }), Catch::Contains("'batch_size' expects"));
  CHECK_THAT(refused([](auto&, ModelEdit& e) { e.set("batch_size", 1.5); }),
             Catch::Contains("'batch_size' expects an integer"));
  CHECK_THAT(refused([](auto&, ModelEdit& e) { e.set("min_lr", 10.0); }), Catch::Contains("min_lr"));
  CHECK_THAT(refused([](auto&, ModelEdit& e) { e.freeze("blocks.0.attn.qvk"); }),
             Catch::Contains("no layer fits") && Catch::Contains("did you mean 'blocks.0.attn.qkv'"));
  CHECK_THAT(refused([](auto&, ModelEdit& e) { e.freeze("wte"); }, kChangesTraining), Catch::Contains("kFreezes"));
  CHECK_THAT(refused([](auto&, ModelEdit& e) { e.set("min_lr", 0.0); }, kFreezes), Catch::Contains("kChangesTraining"));
}

TEST_CASE("an operation that fails is skipped by its policy, else the run ends after a checkpoint", "[operations]") {
  const auto wrong = [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{0}); };
  Rig going(short_run());
  going.operations.add(
      {"wrong", std::make_unique<Planned>(wrong), when_every(1), 0, kAllEffects, false, /*skip_on_error=*/true});
  CHECK(going.run() == StageEnd::finished);
  REQUIRE(in_phase(going, "error").size() == 1);
  CHECK(in_phase(going, "error")[0].step == 1);
  CHECK(in_phase(going, "start").size() == 1);

  Rig ending(short_run());
  add(ending, wrong, when_every(3));
  CHECK_THROWS_WITH(ending.run(), Catch::Contains("operation 'planned' after step 3"));
  REQUIRE(!ending.saves.empty());
  CHECK(ending.saves.back() == std::pair<int64_t, bool>(3, false));
  CHECK(ending.saved.triggers[0].status == OperationStatus::failed);
  CHECK(in_phase(ending, "error").size() == 1);
}

TEST_CASE("an operation that ended the run is asked again when it resumes, and those before it are not", "[operations]") {
  const Event event = GENERATE(Event::step_ended, Event::evaluation_ended);
  const When when = event == Event::step_ended ? when_of({{"at_iter", int64_t{4}}}) : when_of({{"after_iters", int64_t{4}}});
  const auto refused = [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{0}); };
  Rig start(short_run()), rest(short_run());
  add(start, halve, when);
  add(start, refused, when);
  add(start, halve, when);
  CHECK_THROWS_WITH(start.run(), Catch::Contains("after step 4"));
  const Planned& before = add(rest, halve, when);
  const Planned& mended = add(
      rest, [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{3}); }, when);
  const Planned& after = add(rest, halve, when);
  rest.take(start);
  CHECK(rest.run() == StageEnd::finished);
  CHECK(before.asked.empty());
  CHECK(mended.asked == std::vector<int64_t>{4});
  CHECK(after.asked == std::vector<int64_t>{4});
  CHECK(find(rest.state.settings, "learning_rate")->as<double>() == short_run().learning_rate / 4);
}

TEST_CASE("a checkpoint that fails before the end does not hide why the run ends", "[operations]") {
  TrainOptions o = short_run();
  o.always_save_checkpoint = false;
  Rig rig(o);
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.set("batch_size", int64_t{0}); }, when_every(3));
  rig.refuse_saves = 9;
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("'batch_size' expects"));
  CHECK_THAT(rig.host.lines.back(), Catch::Contains("no space"));
}

TEST_CASE("after an operation the val loss is estimated again where its table says so", "[operations]") {
  Rig rig(short_run());
  const auto forget = [&](const TrainingView&, ModelEdit& edit) {
    const at::NoGradGuard no_grad;
    for (const Parameter& p : rig.model.parameters())
      if (p.name == "wte.weight") edit.replace("wte.weight", p.tensor.detach() * 0, Moments::kept);
  };
  rig.operations.add(
      {"forget", std::make_unique<Planned>(forget), when_of({{"after_iters", 8}}), 0, kAllEffects, /*reevaluate=*/true});
  double seen = 0;
  add(
      rig, [&](const TrainingView& now, ModelEdit&) { seen = now.val_loss; }, when_of({{"after_iters", 8}}));
  rig.run();
  const auto found = in_phase(rig, "reevaluation");
  REQUIRE(found.size() == 1);
  CHECK(found[0].step == 8);
  CHECK(number(found[0], "old_val_loss") == number(in_phase(rig, "success")[0], "val_loss"));
  CHECK(number(found[0], "new_val_loss") == Approx(std::log(11.0)));  // all logits are 0
  CHECK(number(found[0], "change") == number(found[0], "new_val_loss") - number(found[0], "old_val_loss"));
  CHECK(seen == number(found[0], "new_val_loss"));
}

TEST_CASE("an operation is compared with the model right before it, on the same batches", "[operations]") {
  Rig rig(short_run());  // evaluations at 4 and 8
  const auto idle = [](const TrainingView& now, ModelEdit& edit) { edit.set("learning_rate", now.learning_rate); };
  const auto fewer = [](const TrainingView&, ModelEdit& edit) { edit.set("eval_iters", int64_t{1}); };
  for (const Plan& plan : {Plan(idle), Plan(fewer)})
    rig.operations.add(
        {"nothing", std::make_unique<Planned>(plan), when_of({{"at_iter", 7}}), 0, kAllEffects, /*reevaluate=*/true});
  rig.run();
  const auto found = in_phase(rig, "reevaluation");
  REQUIRE(found.size() == 2);
  for (const Record& r : found) {
    CHECK(number(r, "change") == 0);
    CHECK(number(r, "old_val_loss") == number(r, "new_val_loss"));
    CHECK(number(r, "old_val_loss") != number(in_phase(rig, "start")[0], "val_loss"));
  }
  CHECK(number(found[0], "new_val_loss") != number(found[1], "new_val_loss"));
}

namespace {

// Plans `plan` after `iter` updates and undoes it where the val loss has risen by more than 0.01.
Rig& on_trial(Rig& rig, int64_t iter, Plan plan) {
  ScheduledOperation o{"trial", std::make_unique<Planned>(std::move(plan)), when_of({{"at_iter", iter}}), 0, kAllEffects};
  o.undo_if_worse = 0.01;
  rig.operations.add(std::move(o));
  rig.keep_points = true;
  return rig;
}

void scale_weights(Rig& rig, ModelEdit& edit, double by) {
  for (const Parameter& p : rig.model.parameters())
    if (p.name == "wte.weight") edit.replace(p.name, p.tensor.detach() * by, Moments::kept);
}

}  // namespace

TEST_CASE("a val loss that is not a number undoes an operation on trial", "[undo]") {
  TrainOptions o = short_run();
  o.on_nonfinite = "skip";
  o.max_skips = 100;
  Rig rig(o);
  on_trial(rig, 5, [&](const TrainingView&, ModelEdit& edit) { scale_weights(rig, edit, std::nan("")); });
  REQUIRE(rig.run() == StageEnd::rewound);
  CHECK(rig.state.step == 8);
  CHECK(rig.rewind->point->step == 5);
}

TEST_CASE("an evaluation without a target judges no operation on trial, and the next one does", "[undo]") {
  TrainOptions o = short_run();
  o.patience = 1;
  Rig rig(o);
  on_trial(rig, 5, [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 3.0); });
  Planned& now = add(
      rig, [](const TrainingView&, ModelEdit&) {}, when_of({{"trigger_loss", "now"}}));
  Planned& plateau = add(
      rig, [](const TrainingView&, ModelEdit&) {}, when_of({{"plateau", 1}}));
  rig.act = [&](const Record& r) {
    if (r.event == Event::evaluation_started) rig.dataset.no_val_targets = r.step == 0 || r.step == 8;
  };
  REQUIRE(rig.run() == StageEnd::rewound);
  CHECK(rig.state.step == 12);
  CHECK(now.asked == std::vector<int64_t>{0});
  CHECK(plateau.asked.empty());
}

TEST_CASE("an operation is judged only once the model was trained with it", "[undo]") {
  Rig rig(short_run());
  const auto faster = [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 3.0); };
  on_trial(rig, 4, faster);  // evaluated right after it, at 4, and at 8
  REQUIRE(rig.run() == StageEnd::rewound);
  CHECK(rig.state.step == 8);
  REQUIRE(rig.points.size() == 1);
  CHECK(rig.points[0].second.step == 4);
}

TEST_CASE("what training won since the last evaluation does not hide that an operation hurts", "[undo]") {
  TrainOptions o = short_run();
  o.eval_interval = 8;
  o.max_iters = 24;
  o.warmup_iters = 0;
  o.schedule = "constant";
  Rig free(o);
  free.run();
  const auto loss_at = [&](int64_t step) {
    for (const Record& r : free.records)
      if (r.event == Event::evaluation_ended && r.step == step) return number(r, "val_loss");
    return 0.0;
  };
  Rig rig(o);
  on_trial(rig, 15, [&](const TrainingView&, ModelEdit& edit) { scale_weights(rig, edit, 0.6); });
  REQUIRE(rig.run() == StageEnd::rewound);
  CHECK(rig.state.step == 16);
  CHECK(rig.rewind->point->val_loss < loss_at(8));
  CHECK(rig.state.val_loss > rig.rewind->point->val_loss + 0.01);
  CHECK(rig.state.val_loss < loss_at(8));  // it would have passed for an improvement
}

TEST_CASE("the best model and patience are saved with what an undone operation goes back to", "[undo]") {
  Rig rig(short_run());
  rig.best_step = 4;
  on_trial(rig, 5, [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 3.0); });
  REQUIRE(rig.run() == StageEnd::rewound);
  CHECK(rig.rewind->point->best_step == 4);
  const TrainState& then = rig.points.at(0).second;
  CHECK(then.best_val_loss == then.val_loss);
  CHECK(then.patience.evaluations == 0);
}

TEST_CASE("an operation that no evaluation can judge stays, and that is told once", "[undo]") {
  Rig rig(short_run());
  rig.dataset.no_val_targets = true;
  on_trial(rig, 5, [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 3.0); });
  CHECK(rig.run() == StageEnd::finished);
  CHECK(
      std::count(rig.host.lines.begin(), rig.host.lines.end(),
                 "operation 'trial' cannot be judged after step 8: no window of the evaluation has a target; the next one that "
                 "has some judges the operation") == 1);
}

TEST_CASE("an operation that changes the windows of the evaluations has the best model count from there", "[operations]") {
  Rig rig(short_run());
  const int64_t iters = GENERATE(1, 2);  // 2 are as before
  add(
      rig, [=](const TrainingView&, ModelEdit& edit) { edit.set("eval_iters", iters); }, when_of({{"at_iter", 6}}));
  rig.act = [&](const Record& r) {
    if (r.event == Event::evaluation_ended && r.step == 4) rig.state.best_val_loss = 0.001;
  };
  REQUIRE(rig.run() == StageEnd::finished);
  CHECK((rig.state.best_val_loss > 0.001) == (iters == 1));
}

TEST_CASE("after the vocabulary has changed nothing is compared with the val losses before it", "[undo]") {
  TrainOptions o = short_run();
  o.on_spike = "warn";
  o.patience = 1;
  Rig rig(o);
  on_trial(rig, 5, [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 0.011); });  // judged at 8
  const auto nothing = [](const TrainingView&, ModelEdit&) {};
  add(rig, nothing, when_of({{"plateau", 9}}));
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.resize_vocabulary(300, -1, 0); }, when_of({{"at_iter", 6}}));
  TrainState before, after;
  TriggerState plateau;
  rig.act = [&](const Record& r) {
    if (r.event == Event::evaluation_ended && r.step == 4) before = rig.state;
    if (r.event != Event::evaluation_started || r.step != 8) return;
    after = rig.state;
    plateau = rig.operations.states()[1];
  };
  REQUIRE(rig.run() == StageEnd::finished);
  CHECK(rig.state.step == 12);
  CHECK(std::isfinite(before.best_val_loss));
  CHECK(std::isinf(after.best_val_loss));
  CHECK(after.patience == Plateau{});
  CHECK(after.spikes.loss.count == 2);
  CHECK(plateau.plateau == Plateau{});
  CHECK(rig.state.best_val_loss > before.best_val_loss);
  CHECK(std::count(rig.saves.begin(), rig.saves.end(), std::pair<int64_t, bool>(8, true)) == 1);
  CHECK(std::count_if(rig.host.lines.begin(), rig.host.lines.end(),
                      [](const std::string& line) { return line.find("vocabulary has changed") != line.npos; }) == 1);
  CHECK(rig.points.at(0).second.best_val_loss == before.best_val_loss);  // what undoing goes back to
}

TEST_CASE("the cooldown of an operation that undoes counts from where training goes on", "[undo]") {
  Rig rig(short_run());
  rig.keep_points = true;
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 0.5); }, when_of({{"at_iter", 4}}));
  add(
      rig, [](const TrainingView&, ModelEdit& edit) { extension_of<Undo>(edit)->last_operation(); },
      when_of({{"every", 7}, {"times", 3}, {"cooldown", 5}}));
  REQUIRE(rig.run() == StageEnd::rewound);
  TrainState back = rig.points.at(0).second;
  rig.rewind->amend(back, rig.journal);
  CHECK(back.triggers.at(0).status == OperationStatus::undone);
  CHECK(back.triggers.at(1).fired == 1);
  CHECK(back.triggers.at(1).last_step == 4);
}

TEST_CASE("a gradient norm and a metric of the records fire operations", "[operations]") {
  TrainOptions o = short_run();
  o.log_interval = 5;
  Rig rig(o);
  rig.evaluators.add("exam", std::make_unique<Half>());
  const auto nothing = [](const TrainingView&, ModelEdit&) {};
  Planned& steep = add(rig, nothing, when_of({{"grad_norm_above", 0.0}, {"times", 2}}));
  Planned& exam = add(rig, nothing, when_of({{"metric", "exam.half"}, {"above", 0.4}, {"times", "unlimited"}}));
  Planned& logged = add(rig, nothing, when_of({{"metric", "loss"}, {"above", 0.0}, {"times", "unlimited"}}));
  rig.run();
  CHECK(steep.asked == std::vector<int64_t>{1, 2});
  CHECK(exam.asked == std::vector<int64_t>{0, 4, 8, 12});
  CHECK(logged.asked == std::vector<int64_t>{1, 6, 11});
}

TEST_CASE("every number that the loop publishes can be waited for", "[operations]") {
  Rig rig(short_run());
  rig.evaluators.add("exam", std::make_unique<Half>());
  rig.run();
  for (const Record& r : rig.records)
    if (r.event == Event::step_ended || r.event == Event::evaluation_ended)
      for (const auto& [key, value] : r.fields) {
        CAPTURE(key);
        CHECK((value.is<bool>() || is_published(key, {"exam"})));
      }
  CHECK_FALSE(is_published("exam.half", {}));
  CHECK_FALSE(is_published("lrs", {"exam"}));
}

TEST_CASE("a run with every kind of trigger resumed at any checkpoint ends with the same bits", "[operations]") {
  const int64_t stop = GENERATE(1, 2, 4, 5, 7, 8, 10, 11);
  CAPTURE(stop);
  const auto planned = [](Rig& rig) {
    rig.evaluators.add("exam", std::make_unique<Half>());
    const auto slower = [](double by) {
      return [by](const TrainingView& now, ModelEdit& edit) { edit.set("learning_rate", now.learning_rate * by); };
    };
    add(rig, slower(0.9), when_of({{"plateau", 1}, {"min_delta", 1.0}, {"times", 2}}));
    add(rig, slower(0.8), when_of({{"all", true}, {"metric", "exam.half"}, {"above", 0.4}, {"every", 3}, {"cooldown", 4}}));
    add(rig, slower(0.7), when_of({{"tokens", 40}}));
    add(rig, slower(0.6), when_of({{"grad_norm_above", 1e-9}, {"cooldown", 5}, {"times", "unlimited"}}));
    rig.operations.add(
        {"first", std::make_unique<Planned>(slower(0.5)), when_of({{"trigger_loss", "now"}}), 0, kAllEffects, true});
    add(rig, slower(0.4), when_of({{"trigger_loss", 0.0}, {"max_wait_iters", 6}}));
  };
  Rig whole(short_run());
  planned(whole);
  whole.run();
  CHECK(in_phase(whole, "success").size() == 10);
  Rig first(short_run());
  planned(first);
  first.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == stop) std::raise(SIGUSR1);
  };
  CHECK(first.run() == StageEnd::interrupted);
  Rig second(short_run());
  planned(second);
  second.take(first);
  CHECK(second.run() == StageEnd::finished);
  CHECK(in_phase(first, "success").size() + in_phase(second, "success").size() == in_phase(whole, "success").size());
  CHECK((whole.state.triggers == second.state.triggers));
  CHECK((whole.state.settings == second.state.settings));
  const auto a = whole.model.parameters(), b = second.model.parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].name);
    CHECK(at::equal(a[i].tensor, b[i].tensor));
  }
}

TEST_CASE("an evaluator that fails three times in a row is switched off and the run goes on", "[evaluators]") {
  struct Failing final : Evaluator {
    void evaluate(const ModelView&, Results& results) override {
      results.add("half", 1, 2);
      if (++calls != 2) throw std::runtime_error("no such file");
    }
    int calls = 0;
  };
  TrainOptions o = short_run();
  o.eval_interval = 1;
  Rig rig(o);
  auto made = std::make_unique<Failing>();
  Failing& failing = *made;
  rig.evaluators.add("failing", std::move(made));
  CHECK(rig.run() == StageEnd::finished);
  CHECK(failing.calls == 5);  // fails, measures, fails three times
  CHECK(rig.host.lines.size() == 4);
  CHECK_THAT(rig.host.lines.back(), Catch::Contains("three times in a row and is switched off: no such file"));
  int64_t measured = 0;
  for (const Record& r : rig.records)
    if (const Value* half = find(r.fields, "failing.half")) measured += half->as<double>() == 0.5;
  CHECK(measured == 1);
}

namespace {

// Measures models of `layers` blocks or more, and throws for others.
struct OfBlocks final : Evaluator {
  explicit OfBlocks(int64_t blocks) : least(blocks) {}
  void evaluate(const ModelView& model, Results& results) override {
    ++calls;
    const std::vector<Layer> layers = model.layers();
    const std::string last = "blocks." + std::to_string(least - 1) + ".";
    if (std::none_of(layers.begin(), layers.end(), [&](const Layer& l) { return l.path.starts_with(last); }))
      throw std::runtime_error("no layer " + last);
    results.add("blocks", static_cast<double>(least), 1);
  }
  int64_t least, calls = 0;
};

// Two blocks from update 6 on, and evaluations at every update.
struct Growing {
  Growing() : rig(options()) {
    auto made = std::make_unique<OfBlocks>(2), never = std::make_unique<OfBlocks>(3);
    two = made.get();
    three = never.get();
    rig.evaluators.add("two", std::move(made), "two {}");
    rig.evaluators.add("three", std::move(never), "three {}");
    add(
        rig, [](const TrainingView&, ModelEdit& edit) { edit.set("learning_rate", 0.005); }, when_of({{"at_iter", 5}}));
    add(
        rig,
        [](const TrainingView&, ModelEdit& edit) {
          edit.arrange_blocks({0, 0});
        },
        when_of({{"at_iter", 6}}));
    add(
        rig, [](const TrainingView&, ModelEdit& edit) { edit.freeze("wpe"); }, when_of({{"at_iter", 10}}));
  }
  static TrainOptions options() {
    TrainOptions o = short_run();
    o.eval_interval = 1;
    return o;
  }
  std::vector<std::pair<int64_t, double>> measured() const {
    std::vector<std::pair<int64_t, double>> all;
    for (const Record& r : rig.records)
      if (const Value* found = find(r.fields, "two.blocks")) all.emplace_back(r.step, found->as<double>());
    return all;
  }
  Rig rig;
  OfBlocks *two = nullptr, *three = nullptr;
};

int64_t lines_with(const Rig& rig, const std::string& text) {
  return std::count_if(rig.host.lines.begin(), rig.host.lines.end(),
                       [&](const std::string& line) { return line.find(text) != line.npos; });
}

}  // namespace

TEST_CASE("an evaluator that is switched off is on again when an operation has changed the model", "[evaluators]") {
  Growing g;
  CHECK(g.rig.run() == StageEnd::finished);
  CHECK(g.measured().size() == 7);  // of updates 6 to 12
  CHECK(g.two->calls == 3 + 7);
  CHECK(g.three->calls == 3 + 3);  // a setting and a frozen layer give no evaluator what it lacks
  CHECK(lines_with(g.rig, "evaluator 'two' is on again: operation 'planned' has changed the model") == 1);
  CHECK(lines_with(g.rig, "is on again") == 2);
}

TEST_CASE("a resumed run asks the evaluators that the undisturbed one asks", "[evaluators]") {
  const int64_t stop = GENERATE(1, 2, 4, 5, 6, 7, 9, 11);
  CAPTURE(stop);
  Growing whole;
  whole.rig.run();
  Growing first;
  first.rig.act = [&](const Record& r) {
    if (r.event == Event::step_ended && r.step == stop) std::raise(SIGUSR1);
  };
  CHECK(first.rig.run() == StageEnd::interrupted);
  Growing second;
  second.rig.take(first.rig);
  CHECK(second.rig.run() == StageEnd::finished);
  CHECK(first.two->calls + second.two->calls == whole.two->calls);
  CHECK(first.three->calls + second.three->calls == whole.three->calls);
  CHECK(first.measured().size() + second.measured().size() == whole.measured().size());
  CHECK(lines_with(second.rig, "'three' stays switched off") == (stop == 4 || stop == 5 || stop > 8 ? 1 : 0));
}

TEST_CASE("an evaluator whose arguments have changed is asked though it was switched off", "[evaluators]") {
  QuietHost host;
  EvaluatorSet set;
  set.add("exam", std::make_unique<Half>(), "exam { file = \"b\" }");
  set.load({{"exam { file = \"a\" }", 3}}, host);
  CHECK(host.lines.empty());
  CHECK(set.failures().empty());
}
