// Operations that make the model deeper or its MLPs wider.
#include <algorithm>
#include <cmath>

#include "../argument.h"
#include "../scheduled.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

constexpr int64_t kLargestFactor = 16;

// round(count * factor), but not above `target`; what is there already stays.
int64_t grown(int64_t count, double factor, int64_t target) {
  const auto wanted = static_cast<int64_t>(std::round(static_cast<double>(count) * factor));
  return std::max(count, target > 0 ? std::min(wanted, target) : wanted);
}

void refuse_factor(double factor) {
  if (!(factor > 1 && factor <= kLargestFactor))
    throw Error(Code::out_of_range, "a factor wants to be above 1 and at most 16, got " + to_toml(Value(factor)));
}

// Throws unless exactly one way of saying it is used.
void refuse_unless_one(int given, const std::string& ways) {
  if (given != 1)
    throw Error(given == 0 ? Code::missing_key : Code::conflict,
                given == 0 ? "there is no argument" : "there is more than one argument", "give one of " + ways);
}

class StackLayers final : public Scheduled {
 public:
  static constexpr Effects effects = kReshapes;
  static void schema(Schema<StackLayers>& s) {
    s.param("value", &StackLayers::value_, "`layers` as a list, or `factor` as a number");
    s.param("layers", &StackLayers::layers_, "block i becomes a copy of the old block layers[i]: [0, 0, 1, 1]");
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
    if (sources != repeated(blocks, blocks)) edit.arrange_blocks(sources);
  }

 private:
  struct Argument {
    std::vector<int64_t> layers;
    double factor = 0;  // where layers is empty
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
      if (source < 0) throw Error(Code::out_of_range, "there is no block " + std::to_string(source), "blocks count from 0");
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

class WidenMlp final : public Scheduled {
 public:
  static constexpr Effects effects = kReshapes;
  static void schema(Schema<WidenMlp>& s) {
    s.param("value", &WidenMlp::value_, "`hidden` as an integer, or `factor` as a float: 512 or 2.0");
    s.param("hidden", &WidenMlp::hidden_, "hidden units of every MLP").range(1, 1e9);
    s.param("factor", &WidenMlp::factor_, "what the number of hidden units is multiplied by").above(1).at_most(kLargestFactor);
    s.param("target", &WidenMlp::target_, "`factor` makes no more units than this; 0 = no limit").range(0, 1e9);
    s.param("noise", &WidenMlp::noise_,
            "standard deviation of what is added to the copies' incoming weights; above 0 the model computes something else")
        .range(0, 1);
    s.param("tolerance", &WidenMlp::tolerance_, "how far a logit may move where noise is 0").at_least(0);
    s.check([](const WidenMlp& o, Problems& found) { check_argument(found, "value", [&] { o.argument(); }); });
  }

  void open(const OperationContext& context) override {
    if (const auto [hidden, factor] = argument(); hidden > 0) refuse_narrower(hidden, units_of(*context.model));
  }

  void plan(const TrainingView&, ModelEdit& edit) override {
    const auto [hidden, factor] = argument();
    const int64_t units = units_of(edit.model()), wanted = hidden > 0 ? hidden : grown(units, factor, target_);
    refuse_narrower(wanted, units);
    if (wanted == units) return;
    edit.widen_mlp(wanted, noise_);
    if (noise_ == 0) edit.expect_same_function(tolerance_);
  }

 private:
  struct Argument {
    int64_t hidden = 0;
    double factor = 0;  // where hidden is 0
  };
  Argument argument() const {
    refuse_unless_one(!value_.empty() + hidden_.has_value() + factor_.has_value(), "value, hidden and factor");
    Argument a{hidden_.value_or(0), factor_.value_or(0)};
    if (value_.is<int64_t>()) {
      a.hidden = value_.as<int64_t>();
      if (a.hidden < 1) refuse_value("1 hidden unit or more", value_);
    } else if (value_.is<double>()) {
      a.factor = value_.as<double>();
      refuse_factor(a.factor);
    } else if (!value_.empty()) {
      refuse_value("a number of hidden units or a factor with a point", value_);
    }
    return a;
  }

  static int64_t units_of(const ModelView& model) {
    for (const ParameterInfo& p : model.parameters())
      if (p.name.ends_with(".mlp.fc.weight")) return p.shape.at(0);
    throw Error(Code::model_shape, "the model has no layers blocks.*.mlp.fc to widen");
  }

  static void refuse_narrower(int64_t wanted, int64_t units) {
    if (wanted < units)
      throw Error(Code::out_of_range,
                  "the MLPs have " + std::to_string(units) + " hidden units and cannot shrink to " + std::to_string(wanted),
                  wanted <= kLargestFactor ? "write " + std::to_string(wanted) + ".0 for a factor" : "");
  }

  Value value_;
  std::optional<int64_t> hidden_;
  std::optional<double> factor_;
  int64_t target_ = 0;
  double noise_ = 0, tolerance_ = 1e-4;
};

void setup(Registrar& r) {
  r.operation<StackLayers>("stack_layers", "repeats, leaves out or reorders blocks");
  r.operation<WidenMlp>("widen_mlp", "widens every MLP so that the model computes the same (Net2WiderNet)");
}

}  // namespace

GPTCORE_PLUGIN("growth", GPTCORE_VERSION, setup)
