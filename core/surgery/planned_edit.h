// The edits that an operation plans, each checked when it is called.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/options/train_options.h"
#include "core/surgery/edits.h"
#include "core/surgery/planned_shape.h"
#include "gptcore/operation.h"

namespace gptcore {

// The data that plans are checked against besides the model. Any of it may be absent; calls that need it are then refused.
struct EditSupport {
  const TrainOptions* options = nullptr;  // as they are now
  // Returns the values of an adapter item, completed with its defaults. Throws Error(unknown_name | unknown_key | wrong_type
  // ...).
  std::function<Table(const std::string& item, const Table& values)> adapter_values = {};
  BatchTrials* trials = nullptr;
  int64_t data_vocab_size = 0;  // ids of the data are below this; 0 = unknown
  bool can_undo = false;        // there is an operation to undo
};

const EditSupport& no_support();

class PlannedEdit final : public ModelEdit, private Undo {
 public:
  // The arguments must outlive this object. Calls throw Error for an unknown layer or an invalid value, and
  // Error(plugin_failed) for an effect beyond `effects`, an unknown setting or values of a wrong type or shape, since only the
  // plugin can be at fault.
  PlannedEdit(const ModelView& model, Effects effects, const EditSupport& support = no_support());

  const ModelView& model() const override { return model_; }
  Value setting(std::string_view key) const override;
  void set(std::string_view key, Value value) override;
  void freeze(std::string_view layers) override { set_trainable(layers, false); }
  void unfreeze(std::string_view layers) override { set_trainable(layers, true); }
  void arrange_blocks(const std::vector<int64_t>& sources) override;
  void widen_mlp(int64_t hidden, double noise) override;
  void widen_embedding(int64_t n_embd, double noise) override;
  void resize_vocabulary(int64_t size, int64_t source, double noise) override;
  void set_adapter(std::string_view layers, std::string_view item, const Table& values, bool train_base) override;
  void merge_adapter(std::string_view layers, bool drop) override;
  void drop_adapter(std::string_view layers) override;
  void replace(std::string_view parameter, const at::Tensor& values, Moments moments) override;
  void set_data(std::string_view key, Value value) override;
  void expect_same_function(double tolerance) override;
  void* extension(std::string_view id) override;

  // Moves the rows of the vocabulary for data that shows the tokens `after` in place of `before`, each as shown_ids(). Throws
  // Error(conflict) when a token has no row, or when rows cannot move.
  void show_tokens(const std::vector<int32_t>& before, const std::vector<int32_t>& after);

  Effects used() const { return used_; }
  bool empty() const { return settings.empty() && edits.empty() && !undo; }
  // Throws Error(conflict) when the edits leave no parameter to train.
  void require_something_to_train() const;
  // Returns true if any tensor or adapter is replaced; false if only settings, requires_grad or the data's controls change.
  bool reshapes() const;
  // Returns a text per change: "learning_rate = 0.001", "freeze wte.weight".
  std::vector<std::string> lines() const;

  Table settings;                   // of the train stage
  std::vector<Edit> edits;          // in the order of the calls
  std::optional<double> tolerance;  // of expect_same_function
  bool undo = false;                // undo the last operation

 private:
  void last_operation() override;
  void set_trainable(std::string_view layers, bool on);
  std::vector<std::string> adapted(std::string_view pattern);
  PlannedShape& shape();  // the model's shape after the edits so far
  void require(Effects effect, const char* name, const char* call);

  const ModelView& model_;
  Effects effects_, used_ = 0;
  const EditSupport& support_;
  std::optional<PlannedShape> known_;
};

// Returns `options` with `settings` put in. Throws Error(conflict) when they do not fit each other.
TrainOptions with_settings(const TrainOptions& options, const Table& settings);

}  // namespace gptcore
