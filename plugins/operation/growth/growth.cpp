// Operations that make the model deeper or wider.
#include <algorithm>

#include "../argument.h"
#include "../scheduled.h"
#include "factor.h"
#include "gptcore/plugin.h"
#include "widen.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

class StackLayers final : public Scheduled {
 public:
  static constexpr Effects effects = kReshapes;
  static void schema(Schema<StackLayers>& s) {
    s.param("value", &StackLayers::value_, "`layers` as a list, or `factor` as a number");
    s.param("layers", &StackLayers::layers_,
            "block i becomes a copy of the old block layers[i]: [0, 0, 1, 1]; -1 is a new block, which adds nothing yet");
    s.param("factor", &StackLayers::factor_, "the whole stack is repeated to round(blocks * factor) blocks")
        .above(1)
        .at_most(kLargestFactor);
    s.param("target", &StackLayers::target_, "`factor` makes no more blocks than this; 0 = no limit").at_least(0);
    s.check([](const StackLayers& o, Problems& found) { check_argument(found, "value", [&] { o.argument(); }); });
  }

  void plan(const TrainingView&, ModelEdit& edit) override {
    const auto [layers, factor] = argument();
    const std::vector<Layer> all = edit.model().layers();
    const int64_t blocks = std::count_if(all.begin(), all.end(), [](const Layer& l) { return l.kind == LayerKind::block; });
    if (blocks == 0) throw Error(Code::model_shape, "the model has no blocks");
    const std::vector<int64_t> sources = layers.empty() ? repeated(blocks, grown(blocks, factor, target_)) : layers;
    if (const int64_t last = *std::max_element(sources.begin(), sources.end()); last >= blocks)
      throw Error(Code::out_of_range, "there is no block " + std::to_string(last) + " to copy",
                  "the model has blocks 0 to " + std::to_string(blocks - 1) + " now");
    if (sources == repeated(blocks, blocks)) return;
    edit.arrange_blocks(sources);
    std::vector<int64_t> old = sources;
    std::erase(old, kNewBlock);
    if (old == repeated(blocks, blocks)) edit.expect_same_function(1e-4);
  }

 private:
  struct Argument {
    std::vector<int64_t> layers;
    double factor = 0;  // used when layers is empty
  };
  Argument argument() const {
    refuse_unless_one(!value_.empty() + layers_.has_value() + factor_.has_value(), "value, layers and factor");
    Argument a{layers_.value_or(std::vector<int64_t>()), factor_.value_or(0)};
    bool listed = layers_.has_value();
    if (const auto list = list_in<int64_t>(value_)) {
      a.layers = *list;
      listed = true;
    } else if (const auto number = number_in(value_)) {
      refuse_factor(*number);
      a.factor = *number;
    } else if (!value_.empty()) {
      refuse_value("a list of block numbers or a factor", value_);
    }
    if (listed && a.layers.empty()) throw Error(Code::out_of_range, "the list of blocks is empty", "name at least one");
    for (const int64_t source : a.layers)
      if (source < kNewBlock)
        throw Error(Code::out_of_range, "there is no block " + std::to_string(source), "blocks count from 0; -1 is a new one");
    return a;
  }

  static std::vector<int64_t> repeated(int64_t blocks, int64_t count) {
    std::vector<int64_t> sources;
    for (int64_t i = 0; i < count; ++i) sources.push_back(i % blocks);
    return sources;
  }

  Value value_;
  std::optional<std::vector<int64_t>> layers_;
  std::optional<double> factor_;
  int64_t target_ = 0;
};

void setup(Registrar& r) {
  r.operation<StackLayers>("stack_layers", "repeats, leaves out or reorders blocks");
  r.operation<Widen<Mlps>>("widen_mlp", "widens every MLP so that the model computes the same (Net2WiderNet)");
  r.operation<Widen<Embedding>>("widen_embedding", "repeats every channel and head so that the model computes the same");
}

}  // namespace

GPTCORE_PLUGIN("growth", GPTCORE_VERSION, setup)
