// Decides what is saved of a train stage and when, and knows what the newest checkpoint holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/device/memory_watch.h"
#include "core/train/stage_run.h"

namespace gptcore {

class CheckpointWriter {
 public:
  enum class Must { succeed, try_again_later };
  enum class Asked { by_schedule, in_between };  // in between: by a stop, or because memory is short

  // `run` outlives this.
  explicit CheckpointWriter(StageRun& run);

  // [all ranks] Returns false when the checkpoint could not be saved and has to be tried again later. Throws Error(io |
  // disk_full) when it must succeed, or has failed three times in a row.
  bool save(bool best, Must must, Asked asked);
  // Saves the model that has just become the best one. When that fails, `former_best` is again the val loss to beat, until a
  // checkpoint holds this model.
  void save_best(double former_best);
  // Looks whether memory is short on this rank, for run.agree(). Not where nothing is left to save.
  bool memory_is_short();
  // [all ranks] Saves when memory is short on a rank, as run.agree() has found.
  void save_when_memory_is_short();
  // Saves before a failure ends the run, which is the one to be reported. Throws nothing.
  void save_before_failing();
  // Returns whether the newest checkpoint holds the training as it is now.
  bool is_saved() const { return saved_step_ == run_.state.step && !changed_since_; }

  // An update has changed the model.
  void model_trained() { unsaved_best_.reset(); }
  // Operations have changed model or training, at the same step.
  void training_changed() { changed_since_ = true; }
  // An operation has edited the model, so that it is not the one that could not be saved.
  void model_edited() { unsaved_best_.reset(); }
  // The best model until now is of another vocabulary.
  void forget_best() { best_forgotten_ = true; }
  // Notes the place for what is said of a sudden end.
  void note_place() const;

 private:
  StageRun& run_;
  MemoryWatch memory_;
  std::string found_short_;     // by the last look
  int64_t saved_step_;          // of the newest checkpoint; -1: there is none of this stage
  bool changed_since_ = false;  // what that checkpoint holds, at the same step
  bool best_forgotten_ = false;
  std::optional<double> unsaved_best_;  // the model's val loss, where no checkpoint could be saved of this best one
  int failed_saves_ = 0;                // in a row
};

}  // namespace gptcore
