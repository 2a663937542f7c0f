// When an operation is asked: the table `when` of a [[stage.operation]]. No LibTorch here.
//
// Conditions are looked at
//   every, at_iter, tokens, seconds, grad_norm_above  after each update; at_iter = 0 before the first
//   loss_below, after_iters, plateau                  after each evaluation
//   metric                                            after an update or evaluation whose record has that field; updates
//                                                     have a record every log_interval
//   trigger_loss, max_wait_iters                      after each evaluation, at 0 updates too, when all operations before it
//                                                     with one of these two are over
// One that is looked at and holds fires the operation. With `all`, every one must hold by the newest numbers, wherever one of
// them is looked at; `every` and `at_iter` then hold right after their update only.
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

  std::optional<int64_t> every;           // updates that this divides
  std::optional<int64_t> at_iter;         // after that many updates
  std::optional<int64_t> tokens;          // so many trained on in this stage
  std::optional<double> seconds;          // so long trained in this stage
  std::optional<double> grad_norm_above;  // before clipping; one that is not finite does not count
  std::optional<double> loss_below;       // of the last evaluation
  std::optional<int64_t> after_iters;     // that many updates or more
  std::optional<int64_t> plateau;         // evaluations without a fall of the val loss by more than min_delta
  std::optional<double> min_delta;
  std::optional<std::string> metric;  // a published field, above or below a number; a NaN is above every number
  std::optional<double> above, below;
  std::optional<double> trigger_loss;     // val loss below this
  std::optional<int64_t> max_wait_iters;  // updates since the sequence's last operation, else since the start

  bool all = false;
  std::optional<int64_t> cooldown;  // updates after it fired, meanwhile it does not
  std::optional<int64_t> times;     // absent: once, without limit where `every` is given

  static void schema(Schema<When>& s);
  // Whether it is one of the stage's sequence: carried out once, in the pipeline's order.
  bool in_sequence() const { return trigger_loss || max_wait_iters; }
  int64_t limit() const { return times.value_or(every ? kUnlimited : 1); }
};

// "trigger_loss = 3.0, max_wait_iters = 50": what is given, always in the same order.
std::string text_of(const When& when);

// Empty, or why `plateau` cannot hold in such a stage unless an operation changes how often it is evaluated.
std::string plateau_out_of_reach(const When& when, const TrainOptions& stage);

// Empty, or why it cannot fire in such a stage.
std::string never_fires(const When& when, const TrainOptions& stage);

}  // namespace gptcore
