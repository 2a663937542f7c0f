// What an operation has planned, checked as it is said.
#pragma once

#include <string>
#include <vector>

#include "core/train/train_options.h"
#include "gptcore/operation.h"

namespace gptcore {

class PlannedEdit final : public ModelEdit {
 public:
  // `model` outlives this. Calls throw Error for an effect beyond `effects`, an unknown setting or layer, a bad value.
  PlannedEdit(const ModelView& model, Effects effects) : model_(model), effects_(effects) {}

  const ModelView& model() const override { return model_; }
  void set(std::string_view key, Value value) override;
  void freeze(std::string_view layers) override { set_trainable(layers, false); }
  void unfreeze(std::string_view layers) override { set_trainable(layers, true); }

  bool empty() const { return settings.empty() && freezes.empty() && unfreezes.empty(); }
  // One text a change: "learning_rate = 0.001", "freeze wte.weight".
  std::vector<std::string> lines() const;

  Table settings;                                // of the train stage
  std::vector<std::string> freezes, unfreezes;   // parameters that are trainable now, that are frozen now

 private:
  void set_trainable(std::string_view layers, bool on);
  void require(Effects effect, const char* name) const;
  const ModelView& model_;
  Effects effects_;
};

// `options` with `settings` put in. Throws Error(conflict) when they do not fit each other.
TrainOptions with_settings(const TrainOptions& options, const Table& settings);

}  // namespace gptcore
