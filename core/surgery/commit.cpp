#include "core/surgery/commit.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <xxhash.h>

#include <cstdio>
#include <string_view>

#include "core/device/device_memory.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

Body body_of(CommitContext& c) {
  Body body;
  body.layers = c.network.layers();
  body.adapters = c.network.adapters();
  body.keys = c.structure.keys;
  body.vocab = c.network.vocab_size();
  if (const Table keys = c.factory.keys(c.structure); const Value* heads = find(keys, "n_head"))
    if (heads->is<int64_t>()) body.heads = heads->as<int64_t>();
  for (const Parameter& p : c.network.parameters()) {
    Tissue part;
    part.value = p.tensor.detach();
    part.trainable = p.tensor.requires_grad();
    body.parts.emplace(p.name, std::move(part));
  }
  if (!c.optimizer) return body;
  for (const auto& [name, moments] : c.optimizer->moments()) {
    Tissue& part = body.parts.at(name);
    part.exp_avg = moments.exp_avg;
    part.exp_avg_sq = moments.exp_avg_sq;
    part.updates = moments.updates;
  }
  return body;
}

Structure structure_of(const Body& body) {
  Structure out{body.keys, body.adapters, {}};
  for (const auto& [name, part] : body.parts) out.trainable[name] = part.trainable;
  return out;
}

// Returns `values` in a tensor of that shape; rows that only padding has are 0.
at::Tensor padded(const at::Tensor& values, at::IntArrayRef shape) {
  if (!values.defined() || values.sizes() == shape) return values;
  const at::Tensor out = at::zeros(shape, values.options());
  out.narrow(0, 0, values.size(0)).copy_(values);
  return out;
}

// Makes a network for the body and gives it the body's values and flags.
std::unique_ptr<Network> edited_network(const CommitContext& c, Body& body, const Structure& structure) {
  const at::NoGradGuard no_grad;
  std::unique_ptr<Network> made = c.factory.network(structure);
  size_t found = 0;
  for (const Parameter& p : made->parameters()) {
    const auto part = body.parts.find(p.name);
    if (part == body.parts.end())
      throw Error(Code::model_shape, "the edited model has a parameter '" + p.name + "' that the edits do not know");
    Tissue& tissue = part->second;
    const bool rows_added = tissue.value.dim() == 2 && p.tensor.dim() == 2 && tissue.value.size(1) == p.tensor.size(1) &&
                            tissue.value.size(0) <= p.tensor.size(0);
    if (tissue.value.sizes() != p.tensor.sizes() && !rows_added)
      throw Error(Code::model_shape, "the edits do not give '" + p.name + "' the shape that the edited model needs");
    for (at::Tensor* t : {&tissue.value, &tissue.exp_avg, &tissue.exp_avg_sq}) *t = padded(*t, p.tensor.sizes());
    at::Tensor home = p.tensor.detach();
    home.copy_(tissue.value);
    p.tensor.set_requires_grad(tissue.trainable);
    ++found;
  }
  if (found != body.parts.size())
    throw Error(Code::model_shape, "the edits make parameters that the edited model does not have");
  return made;
}

struct Measured {
  at::Tensor logits;
  double loss = 0;
};

// Computes in float32, whatever training computes in: its rounding is not a change of the function.
Measured measured(Network& network, const Batch& batch) {
  const at::ScalarType compute = network.compute();
  const auto compute_in = [&](at::ScalarType type) {
    if (compute != at::kFloat) network.place(network.device(), type);
  };
  compute_in(at::kFloat);
  try {
    const NetworkView view(network);
    const Measured found{view.logits(batch.ids), view.loss(batch.ids, batch.targets).item<double>()};
    compute_in(compute);
    return found;
  } catch (...) {
    compute_in(compute);
    throw;
  }
}

// [all ranks] Throws when the ranks' digests differ.
void require_equal(const CommitContext& c, uint64_t digest, const std::string& what) {
  if (c.group.size() == 1) return;
  const auto half = [&](int shift) { return static_cast<int64_t>(digest >> shift & 0xffffffffu); };
  at::Tensor high = at::tensor({half(0), half(32), -half(0), -half(32)}, at::kLong).to(c.network.device());
  const at::Tensor mine = high.clone();
  c.group.all_reduce_max(high);
  if (!high.equal(mine) || high[0].item<int64_t>() != -high[2].item<int64_t>() ||
      high[1].item<int64_t>() != -high[3].item<int64_t>())
    throw Error(Code::plugin_failed, what + " differs between ranks",
                "an operation may depend on nothing that ranks do not share");
}

uint64_t digest_of(const Body& body) {
  uint64_t digest = 0;
  for (const auto& [name, part] : body.parts)
    for (const at::Tensor& t : {part.value, part.exp_avg, part.exp_avg_sq})
      if (t.defined()) {
        const at::Tensor flat = t.to(at::kCPU).contiguous();
        digest = XXH3_64bits_withSeed(flat.const_data_ptr(), flat.nbytes(), digest);
      }
  return digest;
}

void broadcast(ProcessGroup& group, Body& body) {
  if (group.size() == 1) return;
  for (auto& [name, part] : body.parts)
    for (at::Tensor* t : {&part.value, &part.exp_avg, &part.exp_avg_sq})
      if (t->defined()) {
        *t = t->contiguous();
        group.broadcast(*t, 0);
      }
}

void require_same_function(double moved, double tolerance) {
  if (moved <= tolerance) return;
  char text[120];
  std::snprintf(text, sizeof text, "the edit was rolled back: it moves a logit by %.3g, and promised at most %.3g", moved,
                tolerance);
  throw Error(Code::conflict, text, "an edit that changes the function must not promise to keep it");
}

void count(Network& network, const Body& body, CommitReport& report) {
  for (const Parameter& p : network.parameters()) {
    report.parameters += p.tensor.numel();
    if (!p.tensor.requires_grad()) continue;
    report.trainable += p.tensor.numel();
    ++(body.parts.at(p.name).exp_avg.defined() ? report.moments_carried : report.moments_new);
  }
}

// Changes the live network in one go; puts everything back unless keep() is called.
class Exchange {
 public:
  Exchange(CommitContext& c, const Body& body, std::unique_ptr<Network> made) : c_(c), made_(std::move(made)) {
    for (const Parameter& p : (made_ ? *made_ : c.network).parameters())
      flags_.push_back({p.tensor, p.tensor.requires_grad(), body.parts.at(p.name).trainable});
    if (made_) c_.network.swap(*made_);
    for (const Flag& flag : flags_) flag.tensor.set_requires_grad(flag.now);
  }
  ~Exchange() {
    if (kept_) return;
    for (const Flag& flag : flags_) flag.tensor.set_requires_grad(flag.before);
    if (made_) c_.network.swap(*made_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  void keep() { kept_ = true; }

 private:
  struct Flag {
    at::Tensor tensor;
    bool before, now;  // whether it requires gradients
  };
  CommitContext& c_;
  std::unique_ptr<Network> made_;
  std::vector<Flag> flags_;
  bool kept_ = false;
};

void measure(CommitContext& c, Network& made, double tolerance, CommitReport& report) {
  const Batch batch = c.probe();
  const Measured before = measured(c.network, batch), after = measured(made, batch);
  const int64_t shared = std::min(before.logits.size(-1), after.logits.size(-1));
  report.moved = (before.logits.narrow(-1, 0, shared) - after.logits.narrow(-1, 0, shared)).abs().max().item<double>();
  report.loss_before = before.loss;
  report.loss_after = after.loss;
  require_same_function(report.moved, tolerance);
}

CommitReport commit(CommitContext& c, const PlannedEdit& plan) {
  std::string said;
  for (const std::string& line : plan.lines()) said += line + "\n";
  require_equal(c, XXH3_64bits(said.data(), said.size()), "what the operation plans");
  Surgery surgery(body_of(c), c.factory.adapter, c.key);
  for (const Edit& edit : plan.edits) surgery.apply(edit);
  Body body = surgery.body();
  Structure structure = structure_of(body);
  CommitReport report;
  std::unique_ptr<Network> made;
  NamedMoments moments;
  if (plan.reshapes()) {
    broadcast(c.group, body);
    made = edited_network(c, body, structure);
    require_equal(c, digest_of(body), "the edited model");
    if (plan.tolerance && c.probe) measure(c, *made, *plan.tolerance, report);
    for (const auto& [name, part] : body.parts)
      if (part.exp_avg.defined()) moments[name] = {part.exp_avg, part.exp_avg_sq, part.updates};
  }
  Exchange exchange(c, body, std::move(made));
  count(c.network, body, report);
  c.rebuild(plan.reshapes() ? &moments : nullptr);
  exchange.keep();  // nothing after this fails
  c.structure = std::move(structure);
  return report;
}

}  // namespace

CommitReport commit_edits(CommitContext& c, const PlannedEdit& plan) {
  CommitReport report;
  with_memory_errors([&] { report = commit(c, plan); });
  return report;
}

}  // namespace gptcore
