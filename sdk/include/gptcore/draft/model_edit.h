// Draft: the edits that an operation plans. Later versions append methods.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gptcore/extension.h"
#include "gptcore/model.h"
#include "gptcore/value.h"

namespace gptcore {

// What happens to the AdamW moments of a replaced parameter.
enum class Moments : int { kept, zeroed };

inline constexpr int64_t kNewBlock = -1;

// The methods only record edits. After plan() has returned, the program checks all edits, applies them in the order of the
// calls and commits all of them or none. A method throws Error when its edit cannot follow the earlier ones. The object is
// valid during plan(). Arguments `layers` are patterns (draft/layer_names.h); a pattern that no layer matches is
// Error(unknown_name).
class ModelEdit {
 public:
  virtual ~ModelEdit();
  // Returns the model as it is before this plan.
  virtual const ModelView& model() const = 0;
  // Returns the current value of a key of the train stage, empty when it is absent. Throws Error(plugin_failed) for an unknown
  // key.
  virtual Value setting(std::string_view key) const = 0;
  // kChangesTraining. Sets a key of the train stage that may change during training: learning_rate, min_lr, warmup_iters,
  // lr_decay_iters, lr_schedule_offset, schedule, batch_size, gradient_accumulation_steps, grad_clip, weight_decay,
  // eval_interval, eval_iters or max_iters. The value must be valid for the key.
  virtual void set(std::string_view key, Value value) = 0;
  // kFreezes. Freezes or unfreezes the parameters of layers, but not those of their adapters. A frozen parameter keeps its
  // value and its moments.
  virtual void freeze(std::string_view layers) = 0;
  virtual void unfreeze(std::string_view layers) = 0;

  // kReshapes. Makes block i a copy of the old block sources[i] and its adapters: {0, 1, 1} repeats a block, {0, 2} removes
  // one. kNewBlock makes a trainable block with the shapes of block 0, initialised as in a new GPT but with output projections
  // of 0, so that it is the identity: {0, kNewBlock, 1} computes the same function. A copy takes the moments of its source; the
  // moments of a new block are 0.
  virtual void arrange_blocks(const std::vector<int64_t>& sources) = 0;
  // kReshapes. Applies Net2WiderNet (Chen et al. 2016) to every MLP. Each new hidden unit copies a unit drawn at random, and
  // the outgoing weights of a unit with k copies are divided by k, so that the model computes the same function. Normal noise
  // of standard deviation `noise` is added to the incoming weights of copies. Moments scale as gradients do: exp_avg / k and
  // exp_avg_sq / k^2 for incoming weights; those of outgoing weights are copied. Adapters on an MLP must be merged before.
  virtual void widen_mlp(int64_t hidden, double noise) = 0;
  // kReshapes. Adds rows to the embedding (and to an untied head). A new row is a copy of row `source`, or the mean of all rows
  // when `source` is -1, plus normal noise of standard deviation `noise`. Rows cannot be removed. The exp_avg of a new row is
  // 0; its exp_avg_sq is that of `source`, or the squared mean root of all rows, so that first updates are no larger than
  // others.
  virtual void resize_vocabulary(int64_t size, int64_t source, double noise) = 0;

  // kAdapts. Puts an adapter of the plugin item `item` with the parameters `values` on each layer; its moments are 0. On a
  // layer that already has one, `values` replace the parameters of the same keys: an adapter whose shapes stay equal keeps its
  // tensors and moments, any other takes over the effect of the old one (Adapter::take) with moments of 0. When the first
  // adapter is put on the model and `train_base` is false, every parameter that belongs to no adapter is frozen.
  virtual void set_adapter(std::string_view layers, std::string_view item, const Table& values, bool train_base) = 0;
  // kAdapts. Adds the adapters' effect to the weights of their layers, then removes the adapters or resets them to no effect.
  // The moments of the weights are kept, those of the adapters become 0.
  virtual void merge_adapter(std::string_view layers, bool drop) = 0;
  virtual void drop_adapter(std::string_view layers) = 0;

  // kReplaces. Sets a parameter to `values`, which must have its shape.
  virtual void replace(std::string_view parameter, const at::Tensor& values, Moments moments) = 0;
  // kControlsData. Sets a control of the dataset (Dataset::set).
  virtual void set_data(std::string_view key, Value value) = 0;

  // Promises that the plan does not change what the model computes. The program compares the logits of a fixed batch before and
  // after; when one moves by more than `tolerance` (absolute), it rolls the plan back and the operation has failed.
  virtual void expect_same_function(double tolerance) = 0;
  // Returns a further interface by its id, or null: extension_of<BatchTrials>(edit), extension_of<Undo>(edit).
  virtual void* extension(std::string_view id) = 0;
  // kReshapes. Makes a GPT `n_embd` wide, k times its old width: every channel and every head is copied k times; heads keep
  // their width and MLPs their number of hidden units. A weight that reads channels gives 1/k to each copy (ln_f does so for a
  // tied head), so that the model computes the same function, plus normal noise of standard deviation `noise` that sums to 0
  // over the copies, by which they learn to differ. Moments of weights that write channels scale as gradients do: exp_avg / k
  // and exp_avg_sq / k^2; those of other weights are copied. Adapters must be merged before.
  virtual void widen_embedding(int64_t n_embd, double noise) = 0;
};

struct BatchTrial {
  bool fits = false;   // memory did not run out
  double seconds = 0;  // forward and backward of one batch, best of the tries
  int64_t bytes = 0;   // highest use of the device's memory meanwhile, by tensors
};

// Runs forward and backward passes of real batches without an update. Gradients are cleared, and the position in the data does
// not move.
class BatchTrials {
 public:
  static constexpr std::string_view kId = "gptcore.batch_trials/1";
  virtual ~BatchTrials();
  virtual BatchTrial run(int64_t batch_size, int tries) = 0;
  // Returns the bytes of the device's memory that this process may use.
  virtual int64_t memory_limit() const = 0;
};

// kUndoes. Returns training to the moment before the stage's last operation that succeeded, and continues without that
// operation: model, moments, settings and position in the data are restored, and the operation does not fire again. The plan
// must hold no other edit. Throws Error(conflict) when there is nothing to undo.
class Undo {
 public:
  static constexpr std::string_view kId = "gptcore.undo/1";
  virtual ~Undo();
  virtual void last_operation() = 0;
};

}  // namespace gptcore
