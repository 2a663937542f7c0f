// When an operation is asked: the table `when` of a [[stage.operation]]. No LibTorch here.
#pragma once

#include <cstdint>
#include <optional>

#include "gptcore/events.h"
#include "gptcore/schema.h"

namespace gptcore {

struct When {
  std::optional<int64_t> every;        // after each update whose number it divides
  std::optional<int64_t> at_iter;      // once, after that many updates; 0 = before the first
  std::optional<double> loss_below;    // once, at an evaluation whose val loss is below this,
  std::optional<int64_t> after_iters;  // or at one after so many updates; whichever comes first

  static void schema(Schema<When>& s);
  // Conditions that fire once are over after that.
  bool once() const { return at_iter || loss_below || after_iters; }
  bool fires(Event event, int64_t step, double val_loss) const;
};

}  // namespace gptcore
