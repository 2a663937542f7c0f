// Measures what training has made of the weights: effective rank and norms of matrices, entropy of attention.
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <set>

#include "gpt_forward.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/draft/model_check.h"
#include "gptcore/plugin.h"
#include "gptcore/random.h"
#include "matrix.h"

namespace {

using namespace gptcore;
using namespace model_analysis;

constexpr const char* kMatrixMetrics[] = {"effective_rank", "weight_norm", "spectral_norm"};
constexpr const char* kEntropy = "attention_entropy";

class ModelAnalysis final : public Evaluator, public ModelCheck {
 public:
  static void schema(Schema<ModelAnalysis>& s) {
    s.param("layers", &ModelAnalysis::layers_, "paths of layers whose weight matrices are measured; * stands for any text");
    s.param("per_layer", &ModelAnalysis::per_layer_, "metrics of each layer, not only their means");
    s.param("attention_entropy", &ModelAnalysis::attention_entropy_,
            "of each block; for models built as gpt is, without adapters");
    s.param("heads", &ModelAnalysis::heads_, "attention heads of a block; 0 = found by comparing logits").range(0, 10000);
    s.param("text", &ModelAnalysis::text_, "what attention is measured on; \"\" = random tokens");
    s.param("sequences", &ModelAnalysis::sequences_, "how many pieces of text attention is measured on").range(1, 4096);
    s.param("context", &ModelAnalysis::context_, "tokens of each, at most the model's block_size")
        .range(1, 4096)
        .unit("tokens");
    s.check([](const ModelAnalysis& o, Problems& found) {
      if (o.layers_.empty()) found.push_back({"layers", "'layers' names no layer", "leave it out to measure all"});
    });
  }

  void open(const EvaluatorContext& context) override {
    context_of_run_ = context;
    if (text_.empty()) return;
    if (!context.tokenizer)
      throw Error(Code::missing_key, "'text' needs a tokenizer", "add a [tokenizer] to the pipeline, or leave out text");
    encode_text();
  }

  void* extension(std::string_view id) override { return extension_as<ModelCheck>(this, id); }

  Status check_model(const ModelView& view, bool blocks_may_change) noexcept override {
    return guard([&] {
      for (const std::string& pattern : layers_)
        blocks_may_change ? layers_of_any_block(view.layers(), pattern) : layers_named(view.layers(), pattern);
      if (!blocks_may_change) matrices_of(view);
    });
  }

  void evaluate(const ModelView& view, Results& results) override {
    const std::vector<std::string> matrices = matrices_of(view);
    if (!text_.empty()) encode_text();  // a shrunken vocabulary may have grown since
    for (const char* metric : kMatrixMetrics) results.add(std::string("mean.") + metric, 0, 0);
    if (attention_entropy_) measure_attention(view, results);
    for (size_t i = 0; i < matrices.size(); ++i) {
      const bool mine = static_cast<int64_t>(i) % context_of_run_.ranks == context_of_run_.rank;
      const MatrixFacts f = mine ? facts_of(view.value(matrices[i] + ".weight")) : MatrixFacts{};
      const double values[] = {f.effective_rank, f.weight_norm, f.spectral_norm};
      for (size_t m = 0; m < std::size(values); ++m) add(results, matrices[i], kMatrixMetrics[m], values[m], mine ? 1 : 0);
    }
  }

 private:
  void encode_text() {
    const std::vector<int32_t> ids = context_of_run_.tokenizer->encode(text_);
    text_ids_.assign(ids.begin(), ids.end());
  }

  void add(Results& results, const std::string& layer, const char* metric, double sum, double count) const {
    results.add(std::string("mean.") + metric, sum, count);
    if (per_layer_) results.add(layer + "." + metric, sum, count);
  }

  // Returns the layers that match and have a matrix, each once.
  std::vector<std::string> matrices_of(const ModelView& view) const {
    std::set<std::string> with_matrix;
    for (const ParameterInfo& p : view.parameters())
      if (p.shape.size() == 2 && p.name.ends_with(".weight")) with_matrix.insert(p.name.substr(0, p.name.rfind('.')));
    std::vector<std::string> found;
    for (const std::string& pattern : layers_)
      for (const Layer& layer : layers_named(view.layers(), pattern))
        if (with_matrix.contains(layer.path) && std::find(found.begin(), found.end(), layer.path) == found.end())
          found.push_back(layer.path);
    if (found.empty())
      throw Error(Code::unknown_name, "no layer that 'layers' names has a weight matrix", "gptcore summary lists them");
    return found;
  }

  void measure_attention(const ModelView& view, Results& results) {
    const std::optional<GptForward> forward = GptForward::of(view);
    if (!forward) return skip_attention("the model is not built as gpt is, or has adapters");
    const int64_t length = std::min(context_, view.block_size()), count = sequence_count(length);
    constexpr int64_t kProbe = 32;  // enough to tell two numbers of heads apart
    const at::Tensor first = sequence(0, length, view.vocab_size());
    const at::Tensor probe = first.narrow(0, 0, std::min(kProbe, first.size(0)));
    std::optional<GptDetails> details;
    if (found_heads_ > 0) details = details_of(*forward, view, probe, found_heads_);
    if (!details) details = details_of(*forward, view, probe, heads_);
    if (!details)
      return skip_attention(heads_ > 0 ? "the logits are not those of a gpt with " + std::to_string(heads_) + " heads"
                                       : "logits do not tell the number of heads; set it as heads = N");
    found_heads_ = details->heads;
    for (int64_t i = 0; i < count; ++i) {
      const bool mine = i % context_of_run_.ranks == context_of_run_.rank;
      std::vector<double> entropy(static_cast<size_t>(forward->blocks()));
      if (mine) entropy = forward->run(sequence(i, length, view.vocab_size()), *details).entropy;
      for (size_t b = 0; b < entropy.size(); ++b)
        add(results, "blocks." + std::to_string(b), kEntropy, entropy[b], mine ? 1 : 0);
    }
  }

  int64_t sequence_count(int64_t length) const {
    if (text_ids_.empty()) return sequences_;
    return std::min(sequences_, (static_cast<int64_t>(text_ids_.size()) + length - 1) / length);
  }

  // Returns (length) int64; the last sequence of a text may be shorter.
  at::Tensor sequence(int64_t index, int64_t length, int64_t vocab_size) const {
    const int64_t start = index * length;
    std::vector<int64_t> ids;
    if (!text_ids_.empty()) {
      const auto from = text_ids_.begin() + start;
      ids.assign(from, from + std::min(length, text_ids_.end() - from));
    } else {
      for (int64_t i = start; i < start + length; ++i)
        ids.push_back(static_cast<int64_t>(random_bits(context_of_run_.seed, static_cast<uint64_t>(i)) %
                                           static_cast<uint64_t>(vocab_size)));
    }
    return at::tensor(ids);
  }

  void skip_attention(const std::string& why) {
    if (!said_ && context_of_run_.host)
      context_of_run_.host->log(Level::info, std::string("model_analysis measures no attention_entropy: ") + why);
    said_ = true;
  }

  std::vector<std::string> layers_ = {"*"};
  bool per_layer_ = true, attention_entropy_ = true;
  int64_t heads_ = 0, sequences_ = 4, context_ = 256;
  std::string text_;

  EvaluatorContext context_of_run_;
  std::vector<int64_t> text_ids_;
  int64_t found_heads_ = 0;  // of the last evaluation; finding them takes a pass for each candidate
  bool said_ = false;
};

void setup(Registrar& r) {
  r.evaluator<ModelAnalysis>("model_analysis", "effective rank and norms of weight matrices, entropy of attention");
}

}  // namespace

GPTCORE_PLUGIN("model_analysis", GPTCORE_VERSION, setup)
