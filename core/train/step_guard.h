// What is done about an update whose numbers are not finite, or far above the usual ones.
#pragma once

#include <optional>
#include <string>

#include "core/train/stage_run.h"

namespace gptcore {

class StepGuard {
 public:
  // `run` outlives this.
  explicit StepGuard(const StageRun& run) : run_(run), options_(run.options), context_(run.context), state_(run.state) {}

  // Returns the limits above which the next update changes nothing.
  StepLimits limits() const;
  // Checks the last update, which the state counts already. Returns where training goes back to under on_spike = "rewind".
  // Throws Error(nonfinite) when the policy says so or is exhausted.
  std::optional<Rewind> check(const StepResult& result);

 private:
  bool refuse_nonfinite(const StepResult& result);
  std::optional<Rewind> check_spike(const StepResult& result);
  void skip_spike(const std::string& what);
  Rewind rewind(const std::string& what) const;
  std::string first_bad() const;
  std::string spoilt_parameter() const;
  static std::string nonfinite_hint(bool patient);

  const StageRun& run_;
  const TrainOptions& options_;
  const TrainContext& context_;
  TrainState& state_;
};

}  // namespace gptcore
