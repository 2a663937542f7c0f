#include "core/options/when.h"

#include "core/options/counts.h"
#include "core/options/train_options.h"

namespace gptcore {
namespace {

std::string shown(double number) {
  return to_toml(Value(number));
}

// Returns the names of the given conditions.
std::vector<std::string> given(const When& w) {
  std::vector<std::string> names;
  const auto add = [&](bool is_given, const char* name) {
    if (is_given) names.emplace_back(name);
  };
  add(w.every.has_value(), "every");
  add(w.at_iter.has_value(), "at_iter");
  add(w.tokens.has_value(), "tokens");
  add(w.seconds.has_value(), "seconds");
  add(w.grad_norm_above.has_value(), "grad_norm_above");
  add(w.loss_below.has_value(), "loss_below");
  add(w.after_iters.has_value(), "after_iters");
  add(w.plateau.has_value(), "plateau");
  add(w.metric.has_value(), "metric");
  add(w.trigger_loss.has_value(), "trigger_loss");
  add(w.max_wait_iters.has_value(), "max_wait_iters");
  return names;
}

using Wrong = std::function<void(std::string message, std::string hint)>;

void check_parts(const When& w, const Wrong& wrong) {
  if (w.metric && w.above.has_value() == w.below.has_value())
    wrong("'when.metric' expects one of above and below", "write metric = \"" + *w.metric + "\", above = 0.3");
  if (!w.metric && (w.above || w.below))
    wrong(std::string("'when' has ") + (w.above ? "above" : "below") + " without a metric", "add metric = \"evaluator.name\"");
  if (w.min_delta && !w.plateau) wrong("'when' has min_delta without plateau", "add plateau = 3, a number of evaluations");
}

void check_sequence(const When& w, size_t conditions, const Wrong& wrong) {
  const size_t own = static_cast<size_t>(w.trigger_loss.has_value()) + w.max_wait_iters.has_value();
  if (own < conditions || w.all || w.cooldown || w.times)
    wrong("'when' mixes trigger_loss and max_wait_iters with other keys",
          "these two put the operation into the stage's sequence, each once and in order; use loss_below and after_iters "
          "otherwise");
}

void check_repeats(const When& w, size_t conditions, const Wrong& wrong) {
  if (w.cooldown && w.limit() == 1) wrong("'cooldown' has no effect: 'when' fires only once", "add times = \"unlimited\"");
  const bool at_most_once = w.at_iter && (conditions == 1 || w.all);
  if (at_most_once && w.times.value_or(1) > 1) wrong("'when.at_iter' fires only once", "leave out times, or use every");
}

void check_all(const When& w, const Wrong& wrong) {
  if (!w.all || !w.at_iter) return;
  const std::string at = "'when' can never fire: after update " + std::to_string(*w.at_iter) + " ";
  if (w.every && *w.at_iter % *w.every != 0) wrong(at + "'every' does not hold", "leave one of them out");
  if (w.after_iters && *w.after_iters > *w.at_iter) wrong(at + "'after_iters' does not hold", "leave one of them out");
  if (*w.at_iter == 0 && (w.loss_below || w.plateau || w.metric || w.grad_norm_above || w.tokens || w.seconds))
    wrong("'when' can never fire: nothing is measured before the first update", "use at_iter = 1 or more");
}

void rules(const When& w, Problems& found) {
  const Wrong wrong = [&](std::string message, std::string hint) {
    found.push_back({"when", std::move(message), std::move(hint)});
  };
  check_parts(w, wrong);
  if (!found.empty()) return;
  const size_t conditions = given(w).size();
  if (conditions == 0)
    wrong("'when' has no condition",
          "give every, at_iter, loss_below, after_iters, plateau, tokens, seconds, grad_norm_above or metric");
  else if (w.in_sequence())
    check_sequence(w, conditions, wrong);
  else
    check_repeats(w, conditions, wrong), check_all(w, wrong);
}

}  // namespace

void When::schema(Schema<When>& s) {
  s.param("every", &When::every, "after each update whose number this divides").range(1, kMany);
  s.param("at_iter", &When::at_iter, "after this many updates; 0 = before the first").range(0, kMany);
  s.param("tokens", &When::tokens, "when this many tokens were trained on").range(1, 1e18);
  s.param("seconds", &When::seconds, "when training has taken this long").at_least(0).unit("seconds");
  s.param("grad_norm_above", &When::grad_norm_above, "after an update with a larger gradient norm, before clipping")
      .at_least(0);
  s.param("loss_below", &When::loss_below, "at an evaluation with a val loss below this");
  s.param("after_iters", &When::after_iters, "at an evaluation after this many updates or more").range(0, kMany);
  s.param("plateau", &When::plateau, "when the val loss has not fallen in this many evaluations").range(1, kMany);
  s.param("min_delta", &When::min_delta, "of plateau: a smaller fall does not count").at_least(0);
  s.param("metric", &When::metric, "when this published field is above or below a number");
  s.param("above", &When::above, "of metric");
  s.param("below", &When::below, "of metric");
  s.param("trigger_loss", &When::trigger_loss, "in sequence: at an evaluation with a val loss below this")
      .word("now", std::numeric_limits<double>::infinity());
  s.param("max_wait_iters", &When::max_wait_iters, "in sequence: this many updates after the operation before").range(0, kMany);
  s.param("all", &When::all, "fires when all conditions hold; false: when any does");
  s.param("cooldown", &When::cooldown, "updates after it fired during which it does not fire again").range(1, kMany);
  s.param("times", &When::times, "how often at most; absent = once, without limit where `every` is given")
      .range(1, kMany)
      .word("unlimited", static_cast<double>(kUnlimited));
  s.check(rules);
}

std::string text_of(const When& when) {
  std::string text;
  for (const auto& [key, value] : schema_of<When>().values(when))
    if (!value.empty() && value != Value(false)) text += (text.empty() ? "" : ", ") + key + " = " + to_toml(value);
  return text;
}

std::string plateau_out_of_reach(const When& w, const TrainOptions& o) {
  if (!w.plateau || o.eval_interval == 0) return "";
  const int64_t evaluations = 1 + (o.max_iters + o.eval_interval - 1) / o.eval_interval;  // the first comes before any update
  if (*w.plateau < evaluations) return "";
  return "plateau = " + std::to_string(*w.plateau) + " needs " + std::to_string(*w.plateau + 1) +
         " evaluations, and there are " + std::to_string(evaluations) +
         " by eval_interval = " + std::to_string(o.eval_interval) + " and max_iters = " + std::to_string(o.max_iters);
}

std::string never_fires(const When& w, const TrainOptions& o) {
  if (o.max_iters == 0) return "";  // the stage only evaluates
  size_t count = 0;
  std::string reasons;
  const auto no = [&](bool impossible, const std::string& text) {
    if (!impossible) return;
    ++count;
    reasons += (reasons.empty() ? "" : ", ") + text;
  };
  const auto beyond = [&](const char* key, const std::optional<int64_t>& updates) {
    if (updates) no(*updates > o.max_iters, std::string(key) + " is beyond max_iters = " + std::to_string(o.max_iters));
  };
  const auto unreachable = [&](const char* key, const std::optional<double>& loss) {
    if (loss) no(*loss <= 0, std::string(key) + " = " + shown(*loss) + " is below every loss");
  };
  beyond("every", w.every);
  beyond("at_iter", w.at_iter);
  beyond("after_iters", w.after_iters);
  beyond("max_wait_iters", w.max_wait_iters);
  unreachable("loss_below", w.loss_below);
  unreachable("trigger_loss", w.trigger_loss);
  if (w.tokens && o.max_tokens > 0)
    no(*w.tokens > o.max_tokens, "tokens is beyond max_tokens = " + std::to_string(o.max_tokens));
  if (w.seconds && o.max_time > 0) no(*w.seconds > o.max_time, "seconds is beyond max_time = " + shown(o.max_time));
  if (w.plateau) no(o.eval_interval == 0, "plateau needs evaluations, and eval_interval is 0");
  return (w.all ? count > 0 : count == given(w).size()) ? reasons : "";
}

}  // namespace gptcore
