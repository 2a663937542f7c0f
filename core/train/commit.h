// Puts a plan into effect: all of it or, when anything fails, nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "core/distributed/process_group.h"
#include "core/model/network.h"
#include "core/model/structure.h"
#include "core/train/planned_edit.h"
#include "core/train/surgery.h"
#include "core/train/train_step.h"

namespace gptcore {

// How models are made anew for what operations made of them.
struct NetworkFactory {
  // The pipeline's model with these changes: opened and placed with its adapters, values not set.
  std::function<std::unique_ptr<Network>(const Structure&)> network = {};
  MakeAdapter adapter = {};
  // The values of [model] with these changes.
  std::function<Table(const Structure&)> keys = {};
};

struct CommitContext {
  Network& network;
  TrainStep& step;  // without an optimizer: no moments
  ProcessGroup& group;
  const NetworkFactory& factory;
  Structure& structure;
  uint64_t key = 0;                   // of this commit's random numbers
  std::function<Batch()> probe = {};  // a fixed batch to measure functions on; without it promises are believed
  // Makes the parts of `step` anew for the network; with these moments, or with those it has when null. When it throws, the
  // network's parameters are as they were.
  std::function<void(const NamedMoments*)> rebuild = {};
};

struct CommitReport {
  int64_t parameters = 0, trainable = 0;                    // scalars, after
  int64_t moments_carried = 0, moments_new = 0;             // parameters whose moments came along, that start at 0
  double moved = std::numeric_limits<double>::quiet_NaN();  // largest change of a logit, when measured
  double loss_before = std::numeric_limits<double>::quiet_NaN(), loss_after = std::numeric_limits<double>::quiet_NaN();
};

// [all ranks] Carries out the edits, not the settings. Throws Error, then nothing has changed: when an edit does not fit, when
// the function moved by more than the plan's tolerance, when ranks differ.
CommitReport commit_edits(CommitContext& context, const PlannedEdit& plan);

}  // namespace gptcore
