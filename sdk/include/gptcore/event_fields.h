// The fields of each event's record. Emitters and loggers take the names from here; a test compares this list with what runs
// emit. A record has every field of its event that is not marked `sometimes`. Later versions may add fields.
#pragma once

#include <cstdint>
#include <string_view>

#include "gptcore/events.h"

namespace gptcore {

namespace field {
inline constexpr const char *kBatches = "batches", *kBest = "best", *kChange = "change", *kChanges = "changes",
                            *kCheckpoint = "checkpoint", *kDevice = "device", *kEdit = "edit", *kError = "error",
                            *kEtaSeconds = "eta_s", *kEvaluator = "evaluator", *kGradNorm = "grad_norm", *kIndex = "index",
                            *kIter = "iter", *kKind = "kind", *kLogitsMoved = "logits_moved", *kLoss = "loss",
                            *kLossAfter = "loss_after", *kLossBefore = "loss_before", *kLr = "lr", *kMaxIters = "max_iters",
                            *kMaxWait = "max_wait", *kMessage = "message", *kMetrics = "metrics", *kMfu = "mfu",
                            *kMomentsCarried = "moments_carried", *kMomentsNew = "moments_new", *kMs = "ms", *kName = "name",
                            *kNewValLoss = "new_val_loss", *kNoTargets = "no_targets", *kOldValLoss = "old_val_loss",
                            *kOperation = "operation", *kParams = "params", *kPath = "path", *kPhase = "phase",
                            *kPrecision = "precision", *kProgress = "progress", *kPrompt = "prompt", *kReason = "reason",
                            *kResult = "result", *kRunDir = "run_dir", *kSaves = "saves", *kSeconds = "seconds",
                            *kSignal = "signal", *kText = "text", *kThreads = "threads", *kTokens = "tokens",
                            *kTokensPerSecond = "tokens_per_s", *kTrainable = "trainable", *kTrainLoss = "train_loss",
                            *kTrigger = "trigger", *kTriggerLoss = "trigger_loss", *kValLoss = "val_loss", *kValue = "value",
                            *kWholeSplit = "whole_split";
}  // namespace field

enum class FieldType : uint8_t { number, text, flag, list, any };

struct EventField {
  Event event = Event::run_started;
  const char* name = "";  // or a pattern in which `*` stands for any text
  FieldType type = FieldType::number;
  bool sometimes = false;  // some records lack the field
};

inline constexpr bool kSometimes = true;
inline constexpr std::string_view kEvaluatorMetrics = "*.*";  // the fields <evaluator>.<metric> of evaluation_ended
inline constexpr EventField kEventFields[] = {
    {Event::run_started, field::kName, FieldType::text},
    {Event::run_started, field::kRunDir, FieldType::text},
    {Event::run_started, field::kParams},  // numbers of the model
    {Event::run_started, field::kDevice, FieldType::text},
    {Event::run_started, field::kPrecision, FieldType::text},
    {Event::run_started, field::kThreads},
    {Event::run_started, field::kSaves, FieldType::number, kSometimes},  // number of the checkpoint to continue from; 0 = none

    {Event::stage_started, field::kName, FieldType::text},
    {Event::stage_started, field::kKind, FieldType::text},
    {Event::stage_ended, field::kName, FieldType::text},
    {Event::stage_ended, field::kKind, FieldType::text},

    {Event::step_ended, field::kIter},                                     // of the update, over all stages, from 0
    {Event::step_ended, field::kLoss, FieldType::number, kSometimes},      // nats a token; absent where no target was
    {Event::step_ended, field::kNoTargets, FieldType::list, kSometimes},   // ["train"], in place of the loss
    {Event::step_ended, field::kLr},                                       // of this update
    {Event::step_ended, field::kGradNorm, FieldType::number, kSometimes},  // before clipping
    {Event::step_ended, field::kMs},                                       // per update since the last record
    {Event::step_ended, field::kTokensPerSecond},                          // over all ranks
    {Event::step_ended, field::kMfu, FieldType::number, kSometimes},       // 0..1; absent where the device's peak is unknown
    {Event::step_ended, field::kTokens},                                   // trained on in this stage, over all ranks
    {Event::step_ended, field::kMaxIters},
    {Event::step_ended, field::kProgress},                              // of the stage, 0..1
    {Event::step_ended, field::kEtaSeconds},                            // until max_iters
    {Event::step_ended, "time.*", FieldType::number, kSometimes},       // with log_timing: ms of a section of an update
    {Event::step_ended, "grad_norm.*", FieldType::number, kSometimes},  // with log_layer_norms: of a layer

    {Event::evaluation_ended, field::kTrainLoss, FieldType::number, kSometimes},
    {Event::evaluation_ended, field::kValLoss, FieldType::number, kSometimes},
    {Event::evaluation_ended, field::kNoTargets, FieldType::list, kSometimes},  // names of splits whose loss has no target
    {Event::evaluation_ended, field::kBest, FieldType::number, kSometimes},     // lowest val loss of the stage
    {Event::evaluation_ended, field::kWholeSplit, FieldType::flag},
    {Event::evaluation_ended, field::kBatches, FieldType::number, kSometimes},  // per split, unless whole_split
    {Event::evaluation_ended, kEvaluatorMetrics.data(), FieldType::number, kSometimes},

    {Event::item_evaluated, field::kEvaluator, FieldType::text},
    {Event::item_evaluated, "*", FieldType::any, kSometimes},  // the evaluator's own

    {Event::operation, field::kPhase, FieldType::text},  // start, success, error, reevaluation, undo, rewind
    {Event::operation, field::kOperation, FieldType::text},
    {Event::operation, field::kIter},                                        // updates done, over all stages
    {Event::operation, field::kEdit, FieldType::number, kSometimes},         // place in the run's journal, from 0
    {Event::operation, field::kValue, FieldType::any, kSometimes},           // start, success, error: of the table
    {Event::operation, field::kTrigger, FieldType::text, kSometimes},        // the same: why the operation fired
    {Event::operation, field::kValLoss, FieldType::number, kSometimes},      // the same
    {Event::operation, field::kTriggerLoss, FieldType::number, kSometimes},  // the same: of `when`
    {Event::operation, field::kMaxWait, FieldType::number, kSometimes},      // the same: max_wait_iters of `when`
    {Event::operation, field::kError, FieldType::text, kSometimes},          // error
    {Event::operation, field::kOldValLoss, FieldType::number, kSometimes},   // reevaluation
    {Event::operation, field::kNewValLoss, FieldType::number, kSometimes},   // reevaluation
    {Event::operation, field::kChange, FieldType::number, kSometimes},       // reevaluation: new - old
    {Event::operation, field::kReason, FieldType::text, kSometimes},         // undo, rewind
    {Event::operation, field::kSaves, FieldType::number, kSometimes},        // undo, rewind: as in run_started

    {Event::model_edited, field::kOperation, FieldType::text},
    {Event::model_edited, field::kEdit},                      // place in the run's journal, from 0
    {Event::model_edited, field::kChanges, FieldType::list},  // texts
    {Event::model_edited, field::kParams, FieldType::number, kSometimes},
    {Event::model_edited, field::kTrainable, FieldType::number, kSometimes},
    {Event::model_edited, field::kMomentsCarried, FieldType::number, kSometimes},
    {Event::model_edited, field::kMomentsNew, FieldType::number, kSometimes},
    {Event::model_edited, field::kLogitsMoved, FieldType::number, kSometimes},  // with a promise to keep the function
    {Event::model_edited, field::kLossBefore, FieldType::number, kSometimes},   // the same
    {Event::model_edited, field::kLossAfter, FieldType::number, kSometimes},    // the same

    {Event::checkpoint_saved, field::kPath, FieldType::text},
    {Event::checkpoint_saved, field::kBest, FieldType::flag},
    {Event::checkpoint_saved, field::kSaves},  // number of the checkpoint, from 1

    {Event::sampled, field::kIndex},  // of the text, from 0
    {Event::sampled, field::kPrompt, FieldType::text},
    {Event::sampled, field::kText, FieldType::text},  // without the prompt

    {Event::interrupted, field::kSignal, FieldType::text},  // "SIGINT", ...
    {Event::failed, field::kMessage, FieldType::text},

    {Event::run_ended, field::kResult, FieldType::text},  // done, interrupted, failed
    {Event::run_ended, field::kRunDir, FieldType::text},
    {Event::run_ended, field::kSeconds},                                  // since the program started
    {Event::run_ended, field::kMetrics, FieldType::text, kSometimes},     // once for each Logger::sink()
    {Event::run_ended, field::kCheckpoint, FieldType::text, kSometimes},  // the newest
};

// Returns whether a field of this name is one that `listed` describes.
constexpr bool describes(const EventField& listed, std::string_view name) {
  const std::string_view pattern = listed.name;
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == name;
  return name.starts_with(pattern.substr(0, star)) && (pattern != kEvaluatorMetrics || name.find('.') != name.npos);
}

// Returns the description of an event's field, or nullptr.
constexpr const EventField* event_field(Event event, std::string_view name) {
  for (const EventField& listed : kEventFields)
    if (listed.event == event && describes(listed, name)) return &listed;
  return nullptr;
}

}  // namespace gptcore
