#include "core/model/functions.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <limits>
#include <optional>

namespace gptcore {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::tensor_list;

std::optional<at::Tensor> if_defined(const at::Tensor& t) {
  return t.defined() ? std::optional(t) : std::nullopt;
}

// Adds a^T b to the parameter's gradient: in place when it has one, else as the returned tensor.
at::Tensor add_outer(const at::Tensor& parameter, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor& grad = parameter.grad();
  if (!grad.defined()) return at::mm(a.t(), b).to(parameter.scalar_type());
  if (grad.scalar_type() == a.scalar_type())
    grad.addmm_(a.t(), b);
  else
    grad.add_(at::mm(a.t(), b));
  return {};
}

// Adds `value` to the parameter's gradient in the same way.
at::Tensor add_value(const at::Tensor& parameter, const at::Tensor& value) {
  const at::Tensor& grad = parameter.grad();
  if (!grad.defined()) return value.to(parameter.scalar_type());
  grad.add_(value);
  return {};
}

struct Linear : Function<Linear> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, int64_t dtype) {
    const auto type = static_cast<at::ScalarType>(dtype);
    const at::Tensor flat = x.reshape({-1, x.size(-1)}).to(type);  // (N, I)
    const at::Tensor w = weight.to(type);
    at::Tensor y = bias ? at::addmm(bias->to(type), flat, w.t()) : at::mm(flat, w.t());  // (N, O)
    ctx->save_for_backward({flat, weight, bias.value_or(at::Tensor())});
    ctx->saved_data["input_type"] = static_cast<int64_t>(x.scalar_type());
    auto shape = x.sizes().vec();
    shape.back() = y.size(1);
    return y.view(shape);
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &flat = saved[0], &weight = saved[1], &bias = saved[2];
    const auto type = flat.scalar_type();
    const at::Tensor dy = grads[0].reshape({-1, grads[0].size(-1)}).to(type);  // (N, O)
    auto shape = grads[0].sizes().vec();
    shape.back() = flat.size(1);
    at::Tensor dx, dw, db;
    if (ctx->needs_input_grad(0))
      dx = at::mm(dy, weight.to(type)).view(shape).to(static_cast<at::ScalarType>(ctx->saved_data["input_type"].toInt()));
    if (ctx->needs_input_grad(1)) dw = add_outer(weight, dy, flat);
    if (bias.defined() && ctx->needs_input_grad(2)) db = add_value(bias, dy.sum(0));
    return {dx, dw, db, {}};
  }
};

struct Embed : Function<Embed> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& ids, const at::Tensor& weight,
                            const std::optional<at::Tensor>& positions) {
    ctx->save_for_backward({ids, weight, positions.value_or(at::Tensor())});
    at::Tensor x = at::embedding(weight, ids);  // (B, T, C)
    if (positions) x.add_(positions->narrow(0, 0, ids.size(1)));
    return x;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &ids = saved[0], &weight = saved[1], &positions = saved[2];
    const at::Tensor& dx = grads[0];
    at::Tensor dw, dp;
    if (ctx->needs_input_grad(1)) {
      at::Tensor target = weight.grad();
      if (!target.defined()) target = dw = at::zeros_like(weight);
      target.index_add_(0, ids.reshape({-1}), dx.reshape({-1, dx.size(-1)}));
    }
    if (positions.defined() && ctx->needs_input_grad(2)) {
      at::Tensor target = positions.grad();
      if (!target.defined()) target = dp = at::zeros_like(positions);
      target.narrow(0, 0, ids.size(1)).add_(dx.sum(0));
    }
    return {{}, dw, dp};
  }
};

struct LinearCrossEntropy : Function<LinearCrossEntropy> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                            int64_t vocab_size, int64_t dtype) {
    const auto type = static_cast<at::ScalarType>(dtype);
    const at::Tensor h = hidden.to(type);
    at::Tensor logits = at::mm(h, weight.to(type).t());  // (N, R)
    if (vocab_size < logits.size(1))
      logits.narrow(1, vocab_size, logits.size(1) - vocab_size).fill_(-std::numeric_limits<float>::infinity());
    const at::Tensor log_p = at::_log_softmax(logits.to(at::kFloat), 1, false);
    const at::Tensor valid = targets.ge(0);
    const at::Tensor index = targets.clamp_min(0).unsqueeze(1);                // (N, 1)
    const at::Tensor share = valid.to(at::kFloat) / valid.sum().clamp_min(1);  // (N) weight of each row
    const at::Tensor loss = log_p.gather(1, index).squeeze(1).mul(share).sum().neg();
    ctx->save_for_backward({h, weight, index, share});
    ctx->saved_data["log_p"] = log_p;  // overwritten by backward, so it is not a saved variable
    ctx->saved_data["hidden_type"] = static_cast<int64_t>(hidden.scalar_type());
    return loss;
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &h = saved[0], &weight = saved[1], &index = saved[2], &share = saved[3];
    at::Tensor delta = ctx->saved_data["log_p"].toTensor().exp_();  // softmax - onehot, without the rows' weights
    ctx->saved_data.erase("log_p");
    delta.scatter_add_(1, index, at::full_like(share, -1).unsqueeze(1));
    delta = delta.to(h.scalar_type());
    // Row weights and the incoming gradient go onto the narrow side (C), never onto the wide one (V).
    const at::Tensor row = (share * grads[0]).unsqueeze(1);  // (N, 1)
    at::Tensor dh, dw;
    if (ctx->needs_input_grad(0))
      dh = at::mm(delta, weight.to(h.scalar_type()))
               .to(at::kFloat)
               .mul_(row)
               .to(static_cast<at::ScalarType>(ctx->saved_data["hidden_type"].toInt()));
    if (ctx->needs_input_grad(1)) dw = add_outer(weight, delta, h.mul(row).to(h.scalar_type()));
    return {dh, dw, {}, {}, {}};
  }
};

// Rotates x (B, H, T, D): the two halves of D are the parts of a complex number, turned by the position's angle.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t half = x.size(-1) / 2;
  const at::Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
  return at::cat({a * cos - b * sin, b * cos + a * sin}, -1).to(x.scalar_type());
}

// Up to this many rows, weight times x^T is faster: the product the other way round first copies the weight, which takes longer
// than all the rest.
constexpr int64_t kFewRows = 4;

at::Tensor few_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype) {
  at::Tensor y = at::mm(weight.to(dtype), x.reshape({-1, x.size(-1)}).to(dtype).t()).t().contiguous();  // (N, O)
  if (bias.defined()) y.add_(bias.to(dtype));
  auto shape = x.sizes().vec();
  shape.back() = y.size(1);
  return y.view(shape);
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::ScalarType dtype) {
  if (!at::GradMode::is_enabled() && x.is_cpu() && x.numel() <= kFewRows * x.size(-1)) return few_rows(x, weight, bias, dtype);
  return Linear::apply(x, weight, if_defined(bias), static_cast<int64_t>(dtype));
}

at::Tensor embed(const at::Tensor& ids, const at::Tensor& weight, const at::Tensor& positions) {
  return Embed::apply(ids, weight, if_defined(positions));
}

Heads split_heads(const at::Tensor& qkv, int64_t heads, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t B = qkv.size(0), T = qkv.size(1), C = qkv.size(2) / 3;
  const auto parts = qkv.view({B, T, 3, heads, C / heads}).unbind(2);                     // each (B, T, H, D)
  Heads h{parts[0].transpose(1, 2), parts[1].transpose(1, 2), parts[2].transpose(1, 2)};  // (B, H, T, D)
  if (cos.defined()) {
    h.q = rotate(h.q, cos, sin);
    h.k = rotate(h.k, cos, sin);
  }
  return h;
}

at::Tensor merge_heads(const at::Tensor& y) {
  return y.transpose(1, 2).reshape({y.size(0), y.size(2), y.size(1) * y.size(3)});
}

at::Tensor attention(const at::Tensor& qkv, int64_t heads, const at::Tensor& cos, const at::Tensor& sin, double dropout) {
  const Heads h = split_heads(qkv, heads, cos, sin);
  return merge_heads(at::scaled_dot_product_attention(h.q, h.k, h.v, {}, dropout, /*is_causal=*/true));
}

at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                                int64_t vocab_size, at::ScalarType dtype) {
  return LinearCrossEntropy::apply(hidden, weight, targets, vocab_size, static_cast<int64_t>(dtype));
}

}  // namespace gptcore
