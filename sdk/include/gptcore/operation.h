// An operation changes the model or its training during a run. A [[stage.operation]] table of a train stage names it. It plans
// its edits between two updates; the program checks the plan and commits all of it or nothing.
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

// The edits that an operation may plan, declared as  static constexpr Effects effects = kChangesTraining | kFreezes;
// The program refuses an edit that is not declared.
using Effects = uint32_t;
inline constexpr Effects kChangesTraining = 1;  // ModelEdit::set
inline constexpr Effects kFreezes = 2;          // freeze, unfreeze
inline constexpr Effects kReshapes = 4;         // arrange_blocks, widen_mlp, widen_embedding, resize_vocabulary
inline constexpr Effects kAdapts = 8;           // set_adapter, merge_adapter, drop_adapter
inline constexpr Effects kReplaces = 16;        // replace
inline constexpr Effects kControlsData = 32;    // set_data
inline constexpr Effects kUndoes = 64;          // extension_of<Undo>()
inline constexpr Effects kAllEffects = kChangesTraining | kFreezes | kReshapes | kAdapts | kReplaces | kControlsData | kUndoes;

// The state of training, equal on all ranks.
struct TrainingView {
  int64_t step = 0;                                              // updates done in this stage
  int64_t tokens = 0;                                            // trained on in this stage, over all ranks
  double seconds = 0;                                            // spent training in this stage; the slowest rank's
  double train_loss = std::numeric_limits<double>::quiet_NaN();  // of the last evaluation
  double val_loss = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = 0;  // the stage's setting: the peak of its schedule
  int64_t batch_size = 0, gradient_accumulation_steps = 0, max_iters = 0;
  Event event = Event::step_ended;                              // after which the operation fires
  double grad_norm = std::numeric_limits<double>::quiet_NaN();  // of the last update that read it, before clipping
};

struct OperationContext {
  const ModelView* model = nullptr;  // valid during open()
  uint64_t seed = 0;                 // the only source of randomness; equal on all ranks
  int64_t rank = 0, ranks = 1;
  Host* host = nullptr;
  int64_t data_vocab_size = 0;  // ids that tokenizer and dataset need; 0 = unknown
};

// plan() is called when the conditions `when` of the operation's table hold. Without `when` it is called after each event of
// static constexpr EventSet events = ...;  which may name step_ended (the default) and evaluation_ended. An exception ends the
// run with a checkpoint, unless the table says on_error = "skip".
class Operation {
 public:
  virtual ~Operation();
  // [all ranks] Called before the first update, also on resume. Check arguments against the model here.
  virtual void open(const OperationContext& context) { static_cast<void>(context); }
  // [all ranks] Plans the same edits on every rank. An empty plan changes nothing.
  virtual void plan(const TrainingView& now, ModelEdit& edit) = 0;
  // Returns everything that a resumed run must know, as any bytes; checkpoints store it. load() follows open().
  virtual std::string save() const { return {}; }
  virtual void load(std::string_view saved) { static_cast<void>(saved); }
  virtual void* extension(std::string_view id);
};

}  // namespace gptcore
