#include <cmath>

#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/numbers.h"

namespace gptcore {
namespace {

struct Sums {
  double sum = 0, count = 0;
};

class Collected final : public Results {
 public:
  void add(std::string_view metric, double sum, double count) override {
    metrics[std::string(metric)].sum += sum;
    metrics[std::string(metric)].count += count;
  }
  void item(const Table& record) override { items.push_back(record); }
  std::map<std::string, Sums> metrics;
  std::vector<Table> items;
};

bool close(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b));
}

void repeats_itself(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const auto first = world->evaluator(s.item.name, values), second = world->evaluator(s.item.name, values);
  Collected a, b, c;
  first->evaluate(world->model().view(), a);
  first->evaluate(world->model().view(), b);
  second->evaluate(world->model().view(), c);
  expect(!a.metrics.empty(), "it adds to no metric");
  for (const auto& [name, sums] : a.metrics)
    for (Collected* other : {&b, &c}) {
      const Sums again = other->metrics[name];
      expect(sums.sum == again.sum && sums.count == again.count,
             "metric '" + name + "' is " + std::to_string(sums.sum / sums.count) + " and then " +
                 std::to_string(again.sum / again.count) + " for the same model and seed");
    }
  expect(a.items == b.items, "its items' records differ from one call to the next");
}

void leaves_the_model(const ItemSubject& s) {
  const auto world = s.world();
  const auto evaluator = world->evaluator(s.item.name, s.values());
  const ModelView& view = world->model().view();
  const auto before = values_of(view);
  const at::Tensor random = random_state();
  Collected results;
  evaluator->evaluate(view, results);
  expect(equal(before, values_of(view)), "evaluate() changes the model's parameters");
  expect(equal({random}, {random_state()}), "evaluate() draws from LibTorch's generator; use the seed of open()");
}

void ranks_add_up(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  Collected whole, split;
  world->evaluator(s.item.name, values)->evaluate(world->model().view(), whole);
  for (int64_t rank = 0; rank < 3; ++rank) {
    Collected part;
    world->evaluator(s.item.name, values, rank, 3)->evaluate(world->model().view(), part);
    for (const auto& entry : whole.metrics)
      expect(part.metrics.contains(entry.first), "rank " + std::to_string(rank) + " of 3 does not add to metric '" +
                                                     entry.first + "'; every rank must, with a count of 0 if need be");
    for (const auto& [name, sums] : part.metrics) split.add(name, sums.sum, sums.count);
    split.items.insert(split.items.end(), part.items.begin(), part.items.end());
  }
  for (const auto& [name, sums] : whole.metrics) {
    const Sums all = split.metrics[name];
    expect(close(sums.sum, all.sum) && close(sums.count, all.count),
           "metric '" + name + "' is " + std::to_string(sums.sum) + " / " + std::to_string(sums.count) + " on one rank and " +
               std::to_string(all.sum) + " / " + std::to_string(all.count) + " over three");
  }
  expect(whole.items.size() == split.items.size(), "one rank makes " + std::to_string(whole.items.size()) +
                                                       " item records, three make " + std::to_string(split.items.size()));
}

void is_reported(const ItemSubject& s) {
  const ScratchFolder folder;
  const RunOutcome out = s.run(s.plan(), folder);
  const auto metrics = last_metrics(out.records);
  const bool found = std::any_of(metrics.begin(), metrics.end(),
                                 [&](const auto& entry) { return entry.first.starts_with(s.item.name + "."); });
  expect(found, "the run's last evaluation has no metric '" + s.item.name + ".*'");
}

// Training does not notice that it is evaluated.
void leaves_the_run(const ItemSubject& s) {
  const ScratchFolder with, without;
  TinyPlan plan = s.plan();
  const RunOutcome measured = s.run(plan, with);
  plan.kind.reset();
  expect_equal(measured, s.run(plan, without), "a run with the evaluator differs from one without it");
}

}  // namespace

void add_evaluator_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "repeats_itself", repeats_itself);
  add_case(subject, cases, "leaves_the_model", leaves_the_model);
  add_case(subject, cases, "ranks_add_up", ranks_add_up);
  add_case(subject, cases, "is_reported", is_reported);
  add_case(subject, cases, "leaves_the_run", leaves_the_run);
}

}  // namespace gptcore
