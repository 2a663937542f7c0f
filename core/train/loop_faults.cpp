// Numbers of an update that are not what they should be: not finite, or a spike.
#include <cmath>
#include <cstdio>

#include "core/train/loop.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

std::string shown(const at::Tensor& number) {
  const auto value = number.item<float>();
  return std::isnan(value) ? "nan" : std::to_string(value);  // without a sign
}

}  // namespace

StepLimits Loop::limits() {
  StepLimits limits;
  if (o_.on_spike == "off") return limits;
  limits.group = &c_.group;
  if (o_.on_spike == "warn") return limits;
  limits.loss = s_.spikes.loss.limit(o_.spike_zscore);
  limits.grad_norm = s_.spikes.grad_norm.limit(o_.spike_zscore);
  return limits;
}

void Loop::look_at(const StepResult& result) {
  if (refuse_nonfinite(result)) return;
  if (o_.on_spike != "off") look_for_spike(result);
  if (result.has_gradient && result.refused.item<float>() == 0) s_.skips_in_a_row = 0;
}

// An overflow under a gradient scaler is expected now and then: the scaler halves its scale and training goes on.
bool Loop::refuse_nonfinite(const StepResult& result) {
  if (result.found_inf.item<float>() == 0) return false;
  const std::string what = "step " + std::to_string(global_step() - 1) + ": loss " + shown(result.loss) + ", gradient norm " +
                           shown(result.grad_norm) + first_bad();
  ++s_.skips_in_a_row;
  const bool patient = c_.step.scaler.enabled() || o_.on_nonfinite == "skip";
  if (!patient || s_.skips_in_a_row > o_.max_skips) {
    if (const std::string spoilt = spoilt_parameter(); !spoilt.empty())
      throw Error(Code::nonfinite, what + "; the parameter " + spoilt + " was not finite before this step");
    throw Error(Code::nonfinite, what, nonfinite_hint(patient));
  }
  if (!c_.step.scaler.enabled()) c_.host.log(Level::warning, what + "; update skipped");
  return true;
}

std::string Loop::spoilt_parameter() const {
  for (const Parameter& p : c_.step.parameters->parameters())
    if (!p.tensor.isfinite().all().item<bool>()) return p.name;
  return "";
}

std::string Loop::nonfinite_hint(bool patient) {
  const std::string advice = "no parameter was changed by this step; lower learning_rate, or ";
  return advice + (patient ? "raise max_skips" : "set on_nonfinite = \"skip\"");
}

std::string Loop::first_bad() const {
  for (const FlatParameters::Slot& slot : c_.step.parameters->slots()) {
    if (slot.frozen) continue;
    const at::Tensor grad = FlatParameters::view(c_.step.parameters->groups()[slot.group].grads, slot);
    if (!grad.isfinite().all().item<bool>()) return "; first gradient that is not finite: " + slot.name;
  }
  return "";
}

// A refused update says nothing about what is usual; where spikes are only told of, they may be a new level.
void Loop::look_for_spike(const StepResult& result) {
  const double loss = result.loss.item<float>(), norm = result.grad_norm.item<float>();
  const double usual_loss = s_.spikes.loss.limit(o_.spike_zscore), usual_norm = s_.spikes.grad_norm.limit(o_.spike_zscore);
  const bool refused = result.refused.item<float>() != 0;
  if (refused || loss > usual_loss || norm > usual_norm) {
    char text[192];
    std::snprintf(text, sizeof text, "loss spike at step %lld: loss %.4f (limit %.4f), gradient norm %.4g (limit %.4g)",
                  static_cast<long long>(global_step() - 1), loss, usual_loss, norm, usual_norm);
    if (!refused)
      c_.host.log(Level::warning, text);
    else if (o_.on_spike == "rewind" && s_.rewind_step >= 0)
      rewind_spike(text);
    else
      skip_spike(text);
  }
  if (refused) return;
  if (result.has_loss) s_.spikes.loss.add(loss);
  if (result.has_gradient) s_.spikes.grad_norm.add(norm);
}

void Loop::skip_spike(const std::string& what) {
  if (++s_.skips_in_a_row > o_.max_skips)
    throw Error(Code::nonfinite, what + ": " + std::to_string(o_.max_skips) + " updates in a row were skipped",
                "lower learning_rate, or raise spike_zscore or max_skips");
  c_.host.log(Level::warning, what + "; update skipped");
}

void Loop::rewind_spike(const std::string& what) {
  const int64_t rewinds = s_.spikes.rewinds + 1;
  if (rewinds > o_.max_rewinds)
    throw Error(Code::nonfinite, what + ": training went back " + std::to_string(o_.max_rewinds) + " times already",
                "lower learning_rate, or raise spike_zscore or max_rewinds");
  const std::string told = what + "; back to step " + std::to_string(c_.first_step + s_.rewind_step) + ", past the data since";
  c_.host.log(Level::warning, told);
  c_.rewind = Rewind{std::nullopt,
                     {{"phase", "rewind"}, {"operation", "on_spike"}, {"iter", global_step()}, {"reason", told}},
                     [samples = s_.samples, rewinds](TrainState& saved, std::vector<JournalEntry>&) {
                       saved.samples = samples;
                       saved.spikes.rewinds = rewinds;
                     }};
  c_.rewind->step = c_.first_step + s_.rewind_step;
  throw Rewound{};
}

}  // namespace gptcore
