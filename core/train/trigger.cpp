#include "core/train/trigger.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>

#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

constexpr std::array kStatusNames = {"pending", "done", "failed", "skipped", "undone"};

std::optional<double> number_in(const Table& record, const std::string& key) {
  const Value* value = find(record, key);
  if (value && value->is<int64_t>()) return static_cast<double>(value->as<int64_t>());
  if (value && value->is<double>()) return value->as<double>();
  return std::nullopt;
}

// A NaN is above every number and below none, because as a loss it is the worst.
bool compares(const When& w, double metric) {
  return w.above ? std::isnan(metric) || metric > *w.above : metric < *w.below;
}

// An infinite threshold is "now".
bool falls_below(double val_loss, double threshold) {
  return threshold == std::numeric_limits<double>::infinity() || val_loss < threshold;
}

// A run that a failure ended at that update checks at_iter again at a later one.
bool reaches(const When& w, const TrainingView& now) {
  return now.event != Event::evaluation_ended && w.at_iter && now.step >= *w.at_iter;
}

struct Condition {
  bool looked_at;  // at this event
  bool holds;
  std::string name;
};

std::vector<Condition> conditions(const When& w, const Moment& moment, const TriggerState& state, int64_t sequence_step) {
  const TrainingView& now = moment.now;
  const bool update = now.event == Event::step_ended, evaluation = now.event == Event::evaluation_ended;
  std::vector<Condition> all;
  if (w.every) all.push_back({update, update && now.step % *w.every == 0, "Interval"});
  if (w.at_iter) all.push_back({reaches(w, now), reaches(w, now) && !state.at_iter_passed, "Iteration"});
  if (w.tokens) all.push_back({update, now.tokens >= *w.tokens, "Tokens"});
  if (w.seconds) all.push_back({update, now.seconds >= *w.seconds, "Time"});
  if (w.grad_norm_above)
    all.push_back({update, std::isfinite(now.grad_norm) && now.grad_norm > *w.grad_norm_above, "Gradient norm"});
  if (w.loss_below) all.push_back({evaluation, now.val_loss < *w.loss_below, "Loss threshold"});
  if (w.after_iters) all.push_back({evaluation, now.step >= *w.after_iters, "Timeout"});
  if (w.plateau) all.push_back({evaluation, state.plateau.evaluations >= *w.plateau, "Plateau"});
  if (w.metric)
    all.push_back(
        {number_in(moment.record, *w.metric).has_value(), state.metric && compares(w, *state.metric), "Metric " + *w.metric});
  if (w.trigger_loss) all.push_back({evaluation, falls_below(now.val_loss, *w.trigger_loss), "Loss threshold"});
  if (w.max_wait_iters) all.push_back({evaluation, now.step - sequence_step >= *w.max_wait_iters, "Timeout"});
  return all;
}

}  // namespace

const char* name_of(OperationStatus status) {
  return kStatusNames[static_cast<size_t>(status)];
}

std::optional<OperationStatus> operation_status(const std::string& name) {
  const auto found = std::find(kStatusNames.begin(), kStatusNames.end(), name);
  if (found == kStatusNames.end()) return std::nullopt;
  return static_cast<OperationStatus>(found - kStatusNames.begin());
}

void observe(const When& w, const Moment& moment, const std::function<double(double)>& agree, TriggerState& state) {
  if (w.metric)
    if (const auto number = number_in(moment.record, *w.metric)) state.metric = agree(*number);
  if (w.plateau && moment.now.event == Event::evaluation_ended) state.plateau.observe(moment.val_loss, w.min_delta.value_or(0));
}

std::string reason(const When& w, const Moment& moment, const TriggerState& state, int64_t sequence_step) {
  if (w.cooldown && state.last_step >= 0 && moment.now.step - state.last_step < *w.cooldown) return {};
  const std::vector<Condition> all = conditions(w, moment, state, sequence_step);
  if (!w.all) {
    const auto fires = [](const Condition& c) { return c.looked_at && c.holds; };
    const auto first = std::find_if(all.begin(), all.end(), fires);
    return first == all.end() ? "" : first->name;
  }
  if (std::none_of(all.begin(), all.end(), [](const Condition& c) { return c.looked_at; })) return {};
  std::string names;
  for (const Condition& c : all) {
    if (!c.holds) return {};
    names += (names.empty() ? "" : " and ") + c.name;
  }
  return names;
}

void note_asked(const When& w, const TrainingView& now, TriggerState& state) {
  if (reaches(w, now)) state.at_iter_passed = true;
}

void note_fired(const When& w, int64_t step, double val_loss, TriggerState& state) {
  ++state.fired;
  state.last_step = step;
  if (state.fired >= w.limit()) state.status = OperationStatus::done;
  restart_plateau(w, val_loss, state);
}

void restart_plateau(const When& w, double val_loss, TriggerState& state) {
  if (w.plateau) state.plateau.restart(val_loss);
}

bool is_published(const std::string& metric, const std::vector<std::string>& evaluators) {
  const bool is_metric = std::any_of(evaluators.begin(), evaluators.end(),
                                     [&](const std::string& name) { return metric.starts_with(name + "."); });
  return is_metric || std::any_of(std::begin(kEventFields), std::end(kEventFields), [&](const EventField& listed) {
           return (listed.event == Event::step_ended || listed.event == Event::evaluation_ended) &&
                  listed.type == FieldType::number && listed.name != kEvaluatorMetrics && describes(listed, metric);
         });
}

}  // namespace gptcore
