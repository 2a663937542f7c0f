// Changes training or the model while it runs: a train stage's [[stage.operation]] tables name it. It plans between two
// updates; the program checks the plan and commits all of it or nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "gptcore/draft/model_edit.h"
#include "gptcore/events.h"
#include "gptcore/host.h"
#include "gptcore/model.h"

namespace gptcore {

// What an operation may do, declared as  static constexpr Effects effects = kChangesTraining | kFreezes;
// An edit of a kind that is not declared is refused.
using Effects = uint32_t;
inline constexpr Effects kChangesTraining = 1;  // ModelEdit::set
inline constexpr Effects kFreezes = 2;          // freeze, unfreeze
inline constexpr Effects kReshapes = 4;         // arrange_blocks, widen_mlp, widen_embedding, resize_vocabulary
inline constexpr Effects kAdapts = 8;           // set_adapter, merge_adapter, drop_adapter
inline constexpr Effects kReplaces = 16;        // replace
inline constexpr Effects kControlsData = 32;    // set_data
inline constexpr Effects kUndoes = 64;          // extension("gptcore.undo/1")
inline constexpr Effects kAllEffects = kChangesTraining | kFreezes | kReshapes | kAdapts | kReplaces | kControlsData | kUndoes;

// Where training stands; equal on all ranks.
struct TrainingView {
  int64_t step = 0;                                              // updates done in this stage
  int64_t tokens = 0;                                            // trained on in this stage, over all ranks
  double seconds = 0;                                            // spent training in this stage; the slowest rank's
  double train_loss = std::numeric_limits<double>::quiet_NaN();  // of the last evaluation
  double val_loss = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = 0;  // the stage's setting: the peak of its schedule
  int64_t batch_size = 0, gradient_accumulation_steps = 0, max_iters = 0;
  Event event = Event::step_ended;                              // why it is asked
  double grad_norm = std::numeric_limits<double>::quiet_NaN();  // of the last update that read it, before clipping
};

struct OperationContext {
  const ModelView* model = nullptr;  // valid during open()
  uint64_t seed = 0;                 // the only source of randomness; equal on all ranks
  int64_t rank = 0, ranks = 1;
  Host* host = nullptr;
  int64_t data_vocab_size = 0;  // what tokenizer and dataset need; 0 = unknown
};

// Asked when its table's `when` fires. Without `when`, after each event of  static constexpr EventSet events = ...;  out of
// step_ended (which it is without that line) and evaluation_ended. What it throws ends the run with a checkpoint.
class Operation {
 public:
  virtual ~Operation();
  // [all ranks] Before the first update, also on resume: check arguments against the model here.
  virtual void open(const OperationContext& context) { static_cast<void>(context); }
  // [all ranks] Must plan the same on every rank. Leaving `edit` empty changes nothing.
  virtual void plan(const TrainingView& now, ModelEdit& edit) = 0;
  // Everything a resumed run must know; any bytes. Stored in checkpoints; load() follows open().
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
