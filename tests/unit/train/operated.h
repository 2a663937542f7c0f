// One edit in a short run, and the model with its moments on both sides of it.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/train/rig.h"

namespace gptcore::testing {

using Plan = std::function<void(ModelEdit&)>;
using Tensors = std::map<std::string, at::Tensor>;

struct Once final : Operation {
  explicit Once(Plan p) : what(std::move(p)) {}
  void plan(const TrainingView&, ModelEdit& edit) override { what(edit); }
  Plan what;
};

inline void at_iter(Rig& rig, int64_t iter, Plan plan) {
  When when;
  when.at_iter = iter;
  rig.operations.add({"edit", std::make_unique<Once>(std::move(plan)), when, 0, kAllEffects});
}

inline Tensors copies(const std::vector<std::pair<std::string, at::Tensor>>& all) {
  Tensors out;
  for (const auto& [name, tensor] : all) out[name] = tensor.detach().clone();
  return out;
}

inline Tensors weights(Rig& rig) {
  Tensors out;
  for (const Parameter& p : rig.model.parameters()) out[p.name] = p.tensor.detach().clone();
  return out;
}

// Weights, moments and logits on both sides of an edit that is made after five updates.
struct Operated {
  Tensors before, after, moments_before, moments_after;
  at::Tensor logits_before, logits_after;
  Record record;
  std::unique_ptr<Rig> rig;
  double moved() const {
    return (logits_before - logits_after.narrow(-1, 0, logits_before.size(-1))).abs().max().item<double>();
  }
};

inline GptOptions two_blocks() {
  GptOptions o = tiny(0);
  o.n_layer = 2;
  return o;
}

inline Operated operated(Plan plan, Plan earlier = {}, GptOptions sizes = two_blocks(),
                         const std::function<void(Rig&)>& look = {}) {
  TrainOptions o = short_run();
  o.max_iters = 5;
  Operated out;
  out.rig = std::make_unique<Rig>(o, 0, 1, std::move(sizes));
  Rig& rig = *out.rig;
  if (earlier) at_iter(rig, 2, earlier);
  const at::Tensor ids = at::arange(8, at::kLong).view({2, 4});
  at_iter(rig, 5, [&, plan](ModelEdit& edit) {
    out.before = weights(rig);
    out.moments_before = copies(rig.optimizer->state());
    if (look) look(rig);
    out.logits_before = edit.model().logits(ids).clone();
    plan(edit);
  });
  rig.run();
  out.after = weights(rig);
  out.moments_after = copies(rig.optimizer->state());
  out.logits_after = NetworkView(rig.model).logits(ids);
  for (const Record& r : rig.records)
    if (r.event == Event::model_edited && find(r.fields, "params")) out.record = r;
  return out;
}

inline const at::Tensor& first(const Tensors& moments, const std::string& name) {
  return moments.at("exp_avg." + name);
}
inline const at::Tensor& second(const Tensors& moments, const std::string& name) {
  return moments.at("exp_avg_sq." + name);
}

}  // namespace gptcore::testing
