// Draft: what an operation plans. More edits are appended until the list is complete.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gptcore/model.h"
#include "gptcore/value.h"

namespace gptcore {

// What becomes of a replaced parameter's AdamW moments.
enum class Moments : int { kept, zeroed };

inline constexpr int64_t kNewBlock = -1;

// Nothing happens before plan() returns; then the program checks all edits, carries them out in the order of the calls and
// commits all or nothing. Each call throws Error when it cannot be right after the calls before it. Valid during plan().
// Patterns name layers by path ("blocks.0", "blocks.*.attn.*", "wte"); `*` stands for any text, and the short names attn.3,
// mlp.3, ln_1.3, ln_2.3, lm_head for what GPT calls them. Where no layer fits: Error(unknown_name) with a suggestion.
class ModelEdit {
 public:
  virtual ~ModelEdit();
  // As it is before this plan.
  virtual const ModelView& model() const = 0;
  // A setting of the train stage by its key, as it is now; empty when absent. An unknown one is Error(plugin_failed).
  virtual Value setting(std::string_view key) const = 0;
  // kChangesTraining. learning_rate, min_lr, warmup_iters, lr_decay_iters, lr_schedule_offset, schedule, batch_size,
  // gradient_accumulation_steps, grad_clip, weight_decay, eval_interval, eval_iters, max_iters. It must fit that key.
  virtual void set(std::string_view key, Value value) = 0;
  // kFreezes. The parameters of the layers, their adapters' apart. A frozen parameter keeps its value and its moments.
  virtual void freeze(std::string_view layers) = 0;
  virtual void unfreeze(std::string_view layers) = 0;

  // kReshapes. Block i becomes a copy of the old block sources[i], adapters included: {0, 1, 1} repeats a block, {0, 2} leaves
  // one out. kNewBlock stands for a trainable one of block 0's shapes as in a new GPT, but with projections of 0, so that it
  // adds nothing yet: {0, kNewBlock, 1} computes the same. Moments: each copy takes those of its source; of new blocks: 0.
  virtual void arrange_blocks(const std::vector<int64_t>& sources) = 0;
  // kReshapes. Net2WiderNet (Chen et al. 2016) on every MLP: hidden unit j >= H is a copy of a drawn unit, and the outgoing
  // weights of a unit with k copies are divided by k, so that the model computes the same; `noise` is the standard deviation
  // of what is added to the incoming weights of copies. Moments of incoming weights: mean / k, mean of squares / k^2, as their
  // gradients are; of outgoing weights: copied. Adapters on an MLP must be merged before.
  virtual void widen_mlp(int64_t hidden, double noise) = 0;
  // kReshapes. New rows are copies of row `source`, or with source -1 the mean of all rows, plus normal noise. Rows may only
  // be added. Moments of new rows: 0.
  virtual void resize_vocabulary(int64_t size, int64_t source, double noise) = 0;

  // kAdapts. Each layer gets an adapter of that item (a plugin's name) with these values of its parameters. Where it has one,
  // the values replace those of the same keys: with equal shapes its parameters and moments are kept, else it takes over
  // what it added before (Adapter::take) and its moments are 0. Moments of a new adapter: 0. `train_base` false freezes every
  // parameter that is no adapter's, once, when the first adapter comes.
  virtual void set_adapter(std::string_view layers, std::string_view item, const Table& values, bool train_base) = 0;
  // kAdapts. Adds what the adapters add to the layers' weights, then drops them or starts them anew. Moments of weights: kept;
  // of adapters: 0.
  virtual void merge_adapter(std::string_view layers, bool drop) = 0;
  virtual void drop_adapter(std::string_view layers) = 0;

  // kReplaces. `values` of the parameter's shape.
  virtual void replace(std::string_view parameter, const at::Tensor& values, Moments moments) = 0;
  // kControlsData. A control that the dataset offers (Dataset::set).
  virtual void set_data(std::string_view key, Value value) = 0;

  // Measures the loss and logits of a fixed batch before and after this plan; when a logit moves by more than `tolerance`
  // (absolute) the plan is rolled back, which is told to loggers, and the operation counts as failed.
  virtual void expect_same_function(double tolerance) = 0;
  // Interfaces that later versions add; null when there is none. "gptcore.batch_trials/1": BatchTrials; "gptcore.undo/1": Undo.
  virtual void* extension(std::string_view id) = 0;
  // kReshapes. Makes a GPT `n_embd` wide, k times what it was: each channel and each head k times over, heads as wide as they
  // were, MLPs with as many hidden units. A weight that reads channels is shared out among their copies (a tied head's by
  // ln_f), so that the model computes the same: 1/k each, plus normal noise of standard deviation `noise` that sums up to 0,
  // by which copies learn to differ. Moments of what makes channels: mean / k, mean of squares / k^2, as their gradients are
  // without noise; of other weights: copied. Adapters must be merged before.
  virtual void widen_embedding(int64_t n_embd, double noise) = 0;
};

struct BatchTrial {
  bool fits = false;   // no memory ran out
  double seconds = 0;  // forward and backward of one batch, best of the tries
  int64_t bytes = 0;   // highest use of the device's memory meanwhile, by tensors
};

// Forward and backward passes of real batches, without an update; gradients are cleared and the data's place is kept.
class BatchTrials {
 public:
  virtual ~BatchTrials();
  virtual BatchTrial run(int64_t batch_size, int tries) = 0;
  // Bytes of the device's memory that this process may use.
  virtual int64_t memory_limit() const = 0;
};

// kUndoes. Back to before the stage's last operation that was carried out, and without it: model, moments, settings and place
// in the data are those of then, and that operation is over. Plans nothing else. Throws Error(conflict) when there is none.
class Undo {
 public:
  virtual ~Undo();
  virtual void last_operation() = 0;
};

}  // namespace gptcore
