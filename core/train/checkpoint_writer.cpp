#include "core/train/checkpoint_writer.h"

#include <cmath>
#include <exception>

#include "core/plugin/breadcrumb.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr int kMaxFailedSaves = 3;

}  // namespace

CheckpointWriter::CheckpointWriter(StageRun& run)
    : run_(run),
      memory_(run.options.emergency_free_percent, run.context.step.device, run.context.memory),
      saved_step_(run.state.step > 0 ? run.state.step : -1) {}

void CheckpointWriter::note_place() const {
  set_breadcrumb_place(run_.global_step(), run_.context.group.rank());
  const int64_t before = run_.context.first_step > 0 ? run_.context.first_step : -1;  // the earlier stages' last checkpoint
  StopSignals::note_updates(run_.global_step(), saved_step_ >= 0 ? run_.context.first_step + saved_step_ : before);
}

bool CheckpointWriter::save(bool best, Must must, Asked asked) {
  if (best_forgotten_ && std::isinf(run_.state.best_val_loss)) best = true;  // no saved model compares with this one
  const double best_before = run_.state.best_val_loss;
  if (unsaved_best_) {
    best = true;
    run_.state.best_val_loss = *unsaved_best_;
  }
  const int64_t rewind_step = run_.state.rewind_step;
  const bool in_time = run_.options.checkpoint_interval > 0 && run_.state.step % run_.options.checkpoint_interval == 0;
  if (asked == Asked::by_schedule || in_time) run_.state.rewind_step = run_.state.step;
  try {
    run_.take_states();
    run_.together([&] { run_.context.checkpoints.save(run_.state, best); });
    saved_step_ = run_.state.step;
    note_place();
    changed_since_ = false;
    failed_saves_ = 0;
    unsaved_best_.reset();
    run_.context.operations.published();
    if (run_.context.checkpoints.keeps_points())
      run_.context.checkpoints.forget_points_before(run_.state.undo_points.empty()
                                                        ? static_cast<int64_t>(run_.context.journal.size())
                                                        : run_.state.undo_points.front().number);
    return true;
  } catch (const Error& e) {
    run_.state.rewind_step = rewind_step;
    run_.state.best_val_loss = best_before;
    const bool disk = e.code() == Code::io || e.code() == Code::disk_full;
    if (!disk || must == Must::succeed || ++failed_saves_ >= kMaxFailedSaves) throw;
    run_.warn(std::string("the checkpoint could not be saved, training goes on: ") + e.what());
    return false;
  }
}

void CheckpointWriter::save_best(double former_best) {
  const double loss = run_.state.best_val_loss;
  if (save(true, Must::try_again_later, Asked::by_schedule)) return;
  run_.state.best_val_loss = former_best;
  unsaved_best_ = loss;
}

bool CheckpointWriter::memory_is_short() {
  found_short_ = is_saved() || run_.finished() ? "" : memory_.look();
  return !found_short_.empty();
}

void CheckpointWriter::save_when_memory_is_short() {
  if (!run_.memory_is_short() || is_saved() || run_.finished()) return;
  run_.warn("memory is short" + (found_short_.empty() ? " on another rank" : ": " + found_short_) + "; a checkpoint of step " +
            std::to_string(run_.global_step()) + " is saved and training goes on");
  save(false, Must::try_again_later, Asked::in_between);
}

void CheckpointWriter::save_before_failing() {
  try {
    save(false, Must::succeed, Asked::in_between);
  } catch (const std::exception& e) {
    run_.warn(std::string("no checkpoint could be saved before the end: ") + e.what());
  }
}

}  // namespace gptcore
