#include <ATen/TensorOperators.h>

#include "core/plugin/manifest.h"
#include "core/surgery/planned_edit.h"
#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/numbers.h"

namespace gptcore {
namespace {

constexpr int64_t kSteps = 20, kEvaluation = 5;

// Training as an operation sees it: losses fall, and planned edits are committed.
class Training {
 public:
  Training(const ItemSubject& s, Operation& operation, testing::TinyModel& model)
      : events_(s.item.events), operation_(operation), model_(model) {
    options_.learning_rate = 1e-2;
    options_.min_lr = 0;
    options_.batch_size = 4;
    options_.max_iters = kSteps;
    view_.learning_rate = options_.learning_rate;
    view_.batch_size = options_.batch_size;
    view_.gradient_accumulation_steps = 1;
    view_.max_iters = kSteps;
    for (const Parameter& p : model_.model().parameters()) p.tensor.requires_grad_(true);
  }

  // Continues with another operation, which has loaded what this one has saved.
  void hand_over(Operation& other) { operation_ = other; }

  void run_to(int64_t last) {
    while (view_.step < last) {
      ++view_.step;
      view_.tokens += view_.batch_size * view_.gradient_accumulation_steps * testing::TinyModel::kBlockSize;
      view_.seconds += 0.01;
      ask(Event::step_ended);
      if (view_.step % kEvaluation != 0) continue;
      view_.train_loss = 3.4 - 0.1 * static_cast<double>(view_.step);
      view_.val_loss = view_.train_loss + 0.05;
      ask(Event::evaluation_ended);
    }
  }

  std::vector<std::string> plans;  // "step 3: learning_rate = 0.1"
  Effects effects = 0;

 private:
  void ask(Event event) {
    const bool once =
        events_ == 0 && event == Event::step_ended && view_.step == kEvaluation;  // an operation without events needs a `when`
    if (!once && (events_ & on(event)) == 0) return;
    view_.event = event;
    EditSupport support;
    support.options = &options_;
    support.adapter_values = [](const std::string&, const Table& values) { return values; };
    support.data_vocab_size = testing::TinyModel::kVocabSize;
    support.can_undo = true;
    PlannedEdit edit(model_.view(), kAllEffects, support);
    operation_.get().plan(view_, edit);
    effects |= edit.used();
    for (const std::string& line : edit.lines()) plans.push_back("step " + std::to_string(view_.step) + ": " + line);
    commit(edit);
  }

  // Commits the settings and the frozen parameters; the tiny model keeps its shape.
  void commit(const PlannedEdit& edit) {
    options_ = with_settings(options_, edit.settings);
    view_.learning_rate = options_.learning_rate;
    view_.batch_size = options_.batch_size;
    view_.gradient_accumulation_steps = options_.gradient_accumulation_steps;
    view_.max_iters = options_.max_iters;
    for (const Edit& one : edit.edits)
      if (const auto* trainable = std::get_if<SetTrainable>(&one))
        for (const Parameter& p : model_.model().parameters())
          if (holds(trainable->parameters, p.name)) p.tensor.requires_grad_(trainable->on);
  }

  static bool holds(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  EventSet events_;
  std::reference_wrapper<Operation> operation_;
  testing::TinyModel& model_;
  TrainOptions options_;
  TrainingView view_;
};

std::string listed_effects(Effects effects) {
  std::string text;
  for (const std::string& name : names_of_effects(effects)) text += (text.empty() ? "" : " and ") + name;
  return text;
}

void effects(const ItemSubject& s) {
  const auto world = s.world();
  const auto operation = world->operation(s.item.name, s.values());
  Training training(s, *operation, world->model());
  training.run_to(kSteps);
  const Effects undeclared = training.effects & ~s.item.effects, unseen = s.item.effects & ~training.effects;
  expect(undeclared == 0, "it plans what it does not declare: " + listed_effects(undeclared));
  if (unseen != 0)
    throw CaseSkipped("it declares " + listed_effects(unseen) + ", which " + std::to_string(kSteps) +
                      " updates did not show; needs --set " + s.item.name + ".KEY=VALUE so that they do");
}

void same_plan_on_every_rank(const ItemSubject& s) {
  const Table values = s.values();
  std::vector<std::vector<std::string>> plans;
  for (int64_t rank = 0; rank < 2; ++rank) {
    const auto world = s.world();
    const auto operation = world->operation(s.item.name, values, rank, 2);
    Training training(s, *operation, world->model());
    training.run_to(kSteps);
    plans.push_back(training.plans);
  }
  for (size_t i = 0; i < std::max(plans[0].size(), plans[1].size()); ++i) {
    const std::string a = i < plans[0].size() ? plans[0][i] : "nothing", b = i < plans[1].size() ? plans[1][i] : "nothing";
    expect(a == b, "rank 0 plans '" + a + "' and rank 1 '" + b + "'; only the seed may decide, and no clock");
  }
}

void leaves_the_model(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const auto before = values_of(world->model().view());
  const at::Tensor random = random_state();
  const auto operation = world->operation(s.item.name, values);
  Training(s, *operation, world->model()).run_to(kSteps);
  expect(equal(before, values_of(world->model().view())),
         "open() or plan() writes to the model's parameters; plan a change instead");
  expect(equal({random}, {random_state()}), "open() or plan() draws from LibTorch's generator; use the seed of open()");
}

// A second object that loads the first one's state plans what the first would have planned.
void save_and_load(const ItemSubject& s) {
  const Table values = s.values();
  const auto plans_of = [&](bool handed_over) {
    const auto world = s.world();
    const auto first = world->operation(s.item.name, values);
    Training training(s, *first, world->model());
    training.run_to(kSteps / 2);
    const auto second = world->operation(s.item.name, values);
    second->load(first->save());
    if (handed_over) training.hand_over(*second);
    training.run_to(kSteps);
    return training.plans;
  };
  const auto straight = plans_of(false), resumed = plans_of(true);
  for (size_t i = 0; i < std::max(straight.size(), resumed.size()); ++i) {
    const std::string a = i < straight.size() ? straight[i] : "nothing", b = i < resumed.size() ? resumed[i] : "nothing";
    expect(a == b, "after load(save()) it plans '" + b + "' in place of '" + a + "'");
  }
}

}  // namespace

void add_operation_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "effects", effects);
  add_case(subject, cases, "same_plan_on_every_rank", same_plan_on_every_rank);
  add_case(subject, cases, "leaves_the_model", leaves_the_model);
  add_case(subject, cases, "save_and_load", save_and_load);
}

}  // namespace gptcore
