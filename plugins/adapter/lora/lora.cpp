// LoRA (Hu et al. 2021): adds (alpha / rank) times a product of two thin matrices to a layer's weight, without forming it.
// Linear: y += scale B(A(x)), A (rank, in), B (out, rank). Embedding: row i += scale A[i] B, A (rows, rank), B (rank, C).
// B starts at 0, so training starts from the model as it is.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "gptcore/plugin.h"
#include "spectrum.h"

namespace {

using gptcore::Code;
using gptcore::Error;
using gptcore::LayerKind;

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

class Lora final : public gptcore::Adapter {
 public:
  int64_t rank = 8;
  double alpha = 16, dropout = 0;
  std::string mode = "add";

  static void schema(gptcore::Schema<Lora>& s) {
    s.param("rank", &Lora::rank, "rank of what is added to the weight; at most the smaller of its dimensions").range(1, 65536);
    s.param("alpha", &Lora::alpha, "what is added is scaled by alpha / rank").above(0);
    s.param("dropout", &Lora::dropout, "chance, in training, that an input of A is left out; embeddings have none")
        .at_least(0)
        .below(1);
    s.param("mode", &Lora::mode, "what becomes of the layer's own output")
        .choice("add", "the adapter's is added to it")
        .choice("replace", "of an embedding, whose weight is frozen: the adapter's takes its place");
  }

  void open(const gptcore::AdapterContext& context) override {
    layer_ = context.layer;
    embedding_ = context.kind == LayerKind::embedding;
    weight_ = context.weight;
    check_fit(context.kind);
    const auto options = weight_.options().dtype(at::kFloat);
    const int64_t rows = weight_.size(0), columns = weight_.size(1);
    if (embedding_) {
      a_ = at::empty({rows, rank}, options).requires_grad_();
      b_ = at::empty({rank, columns}, options).requires_grad_();
    } else {
      a_ = at::empty({rank, columns}, options).requires_grad_();
      b_ = at::empty({rows, rank}, options).requires_grad_();
    }
  }

  std::vector<gptcore::Parameter> parameters() override { return {{"a", a_, {start_std(), 0}}, {"b", b_, {0, 0}}}; }

  // Computes in the input's type. Mode "replace" takes the base's rows off again, because the caller adds them.
  at::Tensor forward(const at::Tensor& input) override {
    if (training_) require_frozen();
    if (embedding_) {
      const at::Tensor rows = at::matmul(at::embedding(a_, input) * scale(), b_);  // (B, T, C)
      return mode == "replace" ? rows - at::embedding(weight_.detach(), input) : rows;
    }
    const at::Tensor x = training_ && dropout > 0 ? at::dropout(input, dropout, true) : input;
    const auto type = input.scalar_type();
    return at::linear(at::linear(x, a_.to(type)) * scale(), b_.to(type));  // (B, T, out)
  }

  at::Tensor delta() override {
    const at::NoGradGuard no_grad;
    const at::Tensor product = (embedding_ ? at::matmul(a_, b_) : at::matmul(b_, a_)) * scale();
    return mode == "replace" ? product - weight_ : product;
  }

  // Takes the nearest product of this rank, singular values shared equally between A and B. Unneeded directions of A get the
  // size that they would start with, and 0 in B: they add nothing and can learn.
  void take(const at::Tensor& delta) override {
    const at::NoGradGuard no_grad;
    if (delta.sizes() != weight_.sizes())
      throw Error(Code::model_shape, "the adapter of '" + layer_ + "' is given " + shape_text(delta) + " to take over, not " +
                                         shape_text(weight_));
    const at::Tensor product = (mode == "replace" ? delta + weight_ : delta).to(at::kDouble) / scale();
    if (!product.isfinite().all().item<bool>())
      throw Error(Code::nonfinite, "what the adapter of '" + layer_ + "' is to take over is not finite");
    const lora::Spectrum s = lora::spectrum_of(product, rank);
    const at::Tensor root = s.values.sqrt();
    const double start = start_std() * std::sqrt(static_cast<double>(a_.size(embedding_ ? 0 : 1)));
    const at::Tensor wide = at::where(s.values > 0, root, start);
    if (embedding_) {
      a_.copy_(s.left * wide);
      b_.copy_(root.unsqueeze(1) * s.right);
    } else {
      a_.copy_(wide.unsqueeze(1) * s.right);
      b_.copy_(s.left * root);
    }
  }

  void train(bool on) override { training_ = on; }

 private:
  double scale() const { return alpha / static_cast<double>(rank); }
  // Returns the standard deviation of A's values. A linear's have the variance of kaiming_uniform(a = sqrt 5), which is uniform
  // below sqrt(1 / in).
  double start_std() const { return embedding_ ? 0.02 : 1 / std::sqrt(3.0 * static_cast<double>(weight_.size(1))); }

  void check_fit(LayerKind kind) const {
    const std::string name = "'" + layer_ + "'";
    if (!embedding_ && kind != LayerKind::linear)
      throw Error(Code::model_shape, "LoRA sits on linears and embeddings, and " + name + " is a " + name_of(kind),
                  "choose other targets");
    if (!embedding_ && mode == "replace")
      throw Error(Code::model_shape, "LoRA of mode \"replace\" sits on embeddings, and " + name + " is a linear",
                  "set mode = \"add\", or choose other targets");
    const int64_t most = std::min(weight_.size(0), weight_.size(1));
    if (rank > most)
      throw Error(Code::model_shape,
                  "rank " + std::to_string(rank) + " is above what " + name + " of shape " + shape_text(weight_) + " can use",
                  "set rank to " + std::to_string(most) + " or less");
  }

  // In mode "replace" the base weight's gradient would be that of an output that does not exist.
  void require_frozen() const {
    if (mode == "replace" && weight_.requires_grad())
      throw Error(Code::conflict, "the weight of '" + layer_ + "' is trained, but LoRA of mode \"replace\" takes its place",
                  "set train_base = false, or freeze '" + layer_ + "' first");
  }

  std::string layer_;
  bool embedding_ = false, training_ = true;
  at::Tensor weight_;  // the layer's own
  at::Tensor a_, b_;
};

void setup(gptcore::Registrar& r) {
  r.adapter<Lora>("lora", "a low-rank update of a linear or an embedding (Hu et al. 2021)");
}

}  // namespace

GPTCORE_PLUGIN("lora", GPTCORE_VERSION, setup)
