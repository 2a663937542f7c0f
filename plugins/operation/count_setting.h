// Operations on a setting of the train stage that is a count. Relative ones round down, as Python's int(count * factor).
#pragma once

#include <algorithm>
#include <string>

#include "argument.h"
#include "gptcore/error.h"
#include "scheduled.h"

namespace gptcore::operations {

constexpr double kMany = 1e15;  // the largest count that a stage may have

// Returns `count` times `factor`, rounded down and not below `least`.
inline int64_t scaled(int64_t count, double factor, int64_t least) {
  const double product = static_cast<double>(count) * factor;
  if (!(product <= kMany))
    throw Error(Code::out_of_range, std::to_string(count) + " times " + to_toml(Value(factor)) + " is more than a count may be",
                "lower 'value'");
  return std::max(least, static_cast<int64_t>(product));
}

// Returns the setting's current value. Throws Error(conflict) when it is not a count, as eval_iters = "all".
inline int64_t count_of(const ModelEdit& edit, const std::string& key) {
  const Value now = edit.setting(key);
  if (now.is<int64_t>() && now.as<int64_t>() >= 0) return now.as<int64_t>();
  throw Error(Code::conflict, "'" + key + "' is not a number now, so it has no multiple", "give it one by set_" + key);
}

// Sets kKey to `value`.
template <const char* kKey, int64_t kLeast> struct SetCount : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  int64_t value = 0;
  static void schema(Schema<SetCount>& s) {
    s.param("value", &SetCount::value, std::string("the new ") + kKey).required().range(static_cast<double>(kLeast), kMany);
  }
  void plan(const TrainingView&, ModelEdit& edit) override { edit.set(kKey, value); }
};

// Multiplies the setting kKey by `value` and keeps it at kLeast or more; 0, which means "off", stays 0.
template <const char* kKey, int64_t kLeast> struct ChangeCount : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  double value = 1;
  static void schema(Schema<ChangeCount>& s) {
    s.param("value", &ChangeCount::value, std::string("what ") + kKey + " is multiplied by; the product is rounded down")
        .required()
        .above(0);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    const int64_t now = count_of(edit, kKey), next = now == 0 ? 0 : scaled(now, value, kLeast);
    if (next != now) edit.set(kKey, next);
  }
};

}  // namespace gptcore::operations
