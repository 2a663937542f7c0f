// The common part of widen_mlp and widen_embedding: a size or a factor, noise, and the promise to keep the function.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "../argument.h"
#include "../scheduled.h"
#include "factor.h"

namespace gptcore::operations {

// Returns dimension `dim` of the first parameter whose name ends so, or 0 when the model has none.
inline int64_t size_of(const ModelView& model, std::string_view ending, size_t dim) {
  for (const ParameterInfo& p : model.parameters())
    if (p.name.ends_with(ending) && dim < p.shape.size()) return p.shape[dim];
  return 0;
}

struct Mlps {
  static constexpr const char *key = "hidden", *what = "hidden units of every MLP", *are = "the MLPs have",
                              *unit = " hidden units";
  static constexpr const char* noise =
      "standard deviation of what is added to the copies' incoming weights; above 0 the model computes something else";
  static constexpr double largest = 1e9, usual_noise = 0;
  static int64_t now(const ModelView& model) { return size_of(model, ".mlp.fc.weight", 0); }
  static int64_t times(int64_t size, double factor, int64_t target) { return grown(size, factor, target); }
  static void refuse(double) {}
  static void plan(ModelEdit& edit, int64_t size, double noise) { edit.widen_mlp(size, noise); }
  static constexpr bool noise_changes_function = true;
};

struct Embedding {
  static constexpr const char *key = "n_embd", *what = "width of the embedding, a whole multiple of what it is",
                              *are = "the embedding has", *unit = " channels";
  static constexpr const char* noise =
      "standard deviation of how unevenly copies share a weight that reads them, 1/k each otherwise; with 0 they stay alike";
  static constexpr double largest = 1 << 20, usual_noise = 1;
  static int64_t now(const ModelView& model) { return size_of(model, "wte.weight", 1); }
  // Returns whole multiples only, also up to the target.
  static int64_t times(int64_t size, double factor, int64_t target) {
    const int64_t wanted = grown(size, factor, target);
    return wanted / size * size;
  }
  static void refuse(double factor) {
    if (factor != std::floor(factor))
      throw Error(Code::out_of_range, "an embedding is widened by a whole factor, got " + to_toml(Value(factor)),
                  "each channel is repeated that many times");
  }
  static void plan(ModelEdit& edit, int64_t size, double noise) { edit.widen_embedding(size, noise); }
  static constexpr bool noise_changes_function = false;
};

template <class Part> class Widen final : public Scheduled {
 public:
  static constexpr Effects effects = kReshapes;
  static void schema(Schema<Widen>& s) {
    const std::string key = Part::key;
    s.param("value", &Widen::value_, "`" + key + "` as an integer, or `factor` as a float: 512 or 2.0");
    s.param(key, &Widen::size_, Part::what).range(1, Part::largest);
    s.param("factor", &Widen::factor_, "what `" + key + "` is multiplied by").above(1).at_most(kLargestFactor);
    s.param("target", &Widen::target_, "`factor` makes it no more than this; 0 = no limit").range(0, Part::largest);
    s.param("noise", &Widen::noise_, Part::noise).range(0, 1);
    s.param("tolerance", &Widen::tolerance_,
            Part::noise_changes_function ? "how far a logit may move where noise is 0" : "how far a logit may move")
        .at_least(0);
    s.check([](const Widen& o, Problems& found) { check_argument(found, "value", [&] { o.argument(); }); });
  }

  void open(const OperationContext& context) override {
    if (const auto [size, factor] = argument(); size > 0) refuse_narrower(size, now(*context.model));
  }

  void plan(const TrainingView&, ModelEdit& edit) override {
    const auto [size, factor] = argument();
    const int64_t before = now(edit.model()), wanted = size > 0 ? size : Part::times(before, factor, target_);
    refuse_narrower(wanted, before);
    if (wanted == before) return;
    Part::plan(edit, wanted, noise_);
    if (noise_ == 0 || !Part::noise_changes_function) edit.expect_same_function(tolerance_);
  }

 private:
  struct Argument {
    int64_t size = 0;
    double factor = 0;  // used when size is 0
  };
  Argument argument() const {
    const std::string key = Part::key;
    refuse_unless_one(!value_.empty() + size_.has_value() + factor_.has_value(), "value, " + key + " and factor");
    Argument a{size_.value_or(0), factor_.value_or(0)};
    if (value_.is<int64_t>()) {
      a.size = value_.as<int64_t>();
      if (a.size < 1) refuse_value(key + " of 1 or more", value_);
    } else if (value_.is<double>()) {
      a.factor = value_.as<double>();
      refuse_factor(a.factor);
    } else if (!value_.empty()) {
      refuse_value("`" + key + "` as an integer or a factor with a point", value_);
    }
    Part::refuse(a.factor);
    return a;
  }

  static int64_t now(const ModelView& model) {
    if (const int64_t size = Part::now(model); size > 0) return size;
    throw Error(Code::model_shape, std::string("the model is not a GPT: nothing in it has `") + Part::key + "`");
  }

  static void refuse_narrower(int64_t wanted, int64_t size) {
    if (wanted < size)
      throw Error(
          Code::out_of_range,
          std::string(Part::are) + " " + std::to_string(size) + Part::unit + " and cannot shrink to " + std::to_string(wanted),
          wanted <= kLargestFactor ? "write " + std::to_string(wanted) + ".0 for a factor" : "");
  }

  Value value_;
  std::optional<int64_t> size_;
  std::optional<double> factor_;
  int64_t target_ = 0;
  double noise_ = Part::usual_noise, tolerance_ = 1e-4;
};

}  // namespace gptcore::operations
