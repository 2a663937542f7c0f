// The conditions under which an operation fires: the table `when` of a [[stage.operation]]. No LibTorch here.
//
// Conditions are checked
//   every, at_iter, tokens, seconds, grad_norm_above  after each update; at_iter = 0 before the first
//   loss_below, after_iters, plateau                  after each evaluation
//   metric                                            after an update or evaluation whose record has that field; updates
//                                                     have a record every log_interval
//   trigger_loss, max_wait_iters                      after each evaluation, at 0 updates too, when no earlier operation with
//                                                     one of these two is pending
// A condition that is checked and holds fires the operation. With `all`, every condition must hold by the newest numbers when
// one of them is checked; `every` and `at_iter` then hold only right after their update.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gptcore/schema.h"

namespace gptcore {

struct TrainOptions;

struct When {
  static constexpr int64_t kUnlimited = int64_t{1} << 50;  // times = "unlimited"

  std::optional<int64_t> every;           // updates whose number this divides
  std::optional<int64_t> at_iter;         // after that many updates
  std::optional<int64_t> tokens;          // this many trained on in this stage
  std::optional<double> seconds;          // this long trained in this stage
  std::optional<double> grad_norm_above;  // before clipping; a norm that is not finite does not count
  std::optional<double> loss_below;       // of the last evaluation
  std::optional<int64_t> after_iters;     // after that many updates or more
  std::optional<int64_t> plateau;         // evaluations without a fall of the val loss by more than min_delta
  std::optional<double> min_delta;
  std::optional<std::string> metric;  // a published field, above or below a number; a NaN is above every number
  std::optional<double> above, below;
  std::optional<double> trigger_loss;     // val loss below this
  std::optional<int64_t> max_wait_iters;  // updates since the sequence's last operation, else since the start

  bool all = false;
  std::optional<int64_t> cooldown;  // updates after it fired during which it does not fire again
  std::optional<int64_t> times;     // absent: once, or without limit when `every` is given

  static void schema(Schema<When>& s);
  // Returns whether the operation is in the stage's sequence, whose operations fire once each, in the pipeline's order.
  bool in_sequence() const { return trigger_loss || max_wait_iters; }
  int64_t limit() const { return times.value_or(every ? kUnlimited : 1); }
};

// Returns the given keys, always in the same order: "trigger_loss = 3.0, max_wait_iters = 50".
std::string text_of(const When& when);

// Returns why `plateau` cannot hold in such a stage unless an operation changes how often it is evaluated, or "".
std::string plateau_out_of_reach(const When& when, const TrainOptions& stage);

// Returns why the operation cannot fire in such a stage, or "".
std::string never_fires(const When& when, const TrainOptions& stage);

}  // namespace gptcore
