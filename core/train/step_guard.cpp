#include "core/train/step_guard.h"

#include <cmath>
#include <cstdio>

#include "gptcore/error.h"
#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

std::string shown(const at::Tensor& number) {
  const auto value = number.item<float>();
  return std::isnan(value) ? "nan" : std::to_string(value);  // without a sign
}

}  // namespace

StepLimits StepGuard::limits() const {
  StepLimits limits;
  if (options_.on_spike == "off" || options_.on_spike == "warn") return limits;
  limits.loss = state_.spikes.loss.limit(options_.spike_zscore);
  limits.grad_norm = state_.spikes.grad_norm.limit(options_.spike_zscore);
  return limits;
}

std::optional<Rewind> StepGuard::check(const StepResult& result) {
  if (refuse_nonfinite(result)) return std::nullopt;
  if (options_.on_spike != "off")
    if (std::optional<Rewind> back = check_spike(result)) return back;
  if (result.has_targets && result.refused.item<float>() == 0) state_.skips_in_a_row = 0;
  return std::nullopt;
}

// An overflow under a gradient scaler is expected now and then: the scaler halves its scale and training goes on.
bool StepGuard::refuse_nonfinite(const StepResult& result) {
  if (result.found_inf.item<float>() == 0) return false;
  const std::string what = "step " + std::to_string(run_.global_step() - 1) + ": loss " + shown(result.loss) +
                           ", gradient norm " + shown(result.grad_norm) + first_bad();
  ++state_.skips_in_a_row;
  const bool patient = context_.step.scaler.enabled() || options_.on_nonfinite == "skip";
  if (!patient || state_.skips_in_a_row > options_.max_skips) {
    if (const std::string spoilt = spoilt_parameter(); !spoilt.empty())
      throw Error(Code::nonfinite, what + "; the parameter " + spoilt + " was not finite before this step");
    throw Error(Code::nonfinite, what, nonfinite_hint(patient));
  }
  if (!context_.step.scaler.enabled()) run_.warn(what + "; update skipped");
  return true;
}

std::string StepGuard::spoilt_parameter() const {
  for (const Parameter& p : context_.step.parameters->parameters())
    if (!p.tensor.isfinite().all().item<bool>()) return p.name;
  return "";
}

std::string StepGuard::nonfinite_hint(bool patient) {
  const std::string advice = "no parameter was changed by this step; lower learning_rate, or ";
  return advice + (patient ? "raise max_skips" : "set on_nonfinite = \"skip\"");
}

std::string StepGuard::first_bad() const {
  for (const FlatParameters::Slot& slot : context_.step.parameters->slots()) {
    if (slot.frozen) continue;
    const at::Tensor grad = FlatParameters::view(context_.step.parameters->groups()[slot.group].grads, slot);
    if (!grad.isfinite().all().item<bool>()) return "; first gradient that is not finite: " + slot.name;
  }
  return "";
}

// A refused update does not count as usual. Where spikes are only reported, they do: they may be a new level.
std::optional<Rewind> StepGuard::check_spike(const StepResult& result) {
  const double loss = result.loss.item<float>(), norm = result.grad_norm.item<float>();
  const double usual_loss = state_.spikes.loss.limit(options_.spike_zscore),
               usual_norm = state_.spikes.grad_norm.limit(options_.spike_zscore);
  const bool refused = result.refused.item<float>() != 0;
  if (refused || loss > usual_loss || norm > usual_norm) {
    char text[192];
    std::snprintf(text, sizeof text, "loss spike at step %lld: loss %.4f (limit %.4f), gradient norm %.4g (limit %.4g)",
                  static_cast<long long>(run_.global_step() - 1), loss, usual_loss, norm, usual_norm);
    if (!refused)
      run_.warn(text);
    else if (options_.on_spike == "rewind" && state_.rewind_step >= 0)
      return rewind(text);
    else
      skip_spike(text);
  }
  if (refused) return std::nullopt;
  if (!result.has_targets) return std::nullopt;
  state_.spikes.loss.add(loss);
  state_.spikes.grad_norm.add(norm);
  return std::nullopt;
}

void StepGuard::skip_spike(const std::string& what) {
  if (++state_.skips_in_a_row > options_.max_skips)
    throw Error(Code::nonfinite, what + ": " + std::to_string(options_.max_skips) + " updates in a row were skipped",
                "lower learning_rate, or raise spike_zscore or max_skips");
  run_.warn(what + "; update skipped");
}

Rewind StepGuard::rewind(const std::string& what) const {
  const int64_t rewinds = state_.spikes.rewinds + 1;
  if (rewinds > options_.max_rewinds)
    throw Error(Code::nonfinite, what + ": training went back " + std::to_string(options_.max_rewinds) + " times already",
                "lower learning_rate, or raise spike_zscore or max_rewinds");
  const int64_t step = context_.first_step + state_.rewind_step;
  const std::string told = what + "; back to step " + std::to_string(step) + ", past the data since";
  run_.warn(told);
  Rewind back;
  back.step = step;
  back.told = {
      {field::kPhase, "rewind"}, {field::kOperation, "on_spike"}, {field::kIter, run_.global_step()}, {field::kReason, told}};
  back.amend = [samples = state_.samples, rewinds](TrainState& saved, std::vector<JournalEntry>&) {
    saved.samples = samples;
    saved.spikes.rewinds = rewinds;
  };
  return back;
}

}  // namespace gptcore
