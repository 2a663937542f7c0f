// Commits a plan: all of it or, when anything fails, nothing.
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
#include "core/optim/adamw.h"
#include "core/surgery/planned_edit.h"
#include "core/surgery/surgery.h"

namespace gptcore {

// Makes models anew with the changes of operations.
struct NetworkFactory {
  // Makes the pipeline's model with these changes, opened and placed with its adapters; values are not set.
  std::function<std::unique_ptr<Network>(const Structure&)> network = {};
  MakeAdapter adapter = {};
  // Returns the values of [model] with these changes.
  std::function<Table(const Structure&)> keys = {};
};

struct CommitContext {
  Network& network;
  AdamW* optimizer;  // null: there are no moments
  ProcessGroup& group;
  const NetworkFactory& factory;
  Structure& structure;
  uint64_t key = 0;                   // of this commit's random numbers
  std::function<Batch()> probe = {};  // fixed batch for checking expect_same_function(); unset: no check
  // Makes the network's flat buffers and optimizer anew, with these moments or, when null, the present ones. When it throws,
  // the network's parameters are as they were.
  std::function<void(const NamedMoments*)> rebuild = {};
};

struct CommitReport {
  int64_t parameters = 0, trainable = 0;                    // scalars, after the commit
  int64_t moments_carried = 0, moments_new = 0;             // parameters that kept their moments, whose moments start at 0
  double moved = std::numeric_limits<double>::quiet_NaN();  // largest change of a logit, when measured
  double loss_before = std::numeric_limits<double>::quiet_NaN(), loss_after = std::numeric_limits<double>::quiet_NaN();
};

// [all ranks] Commits the edits but not the settings. Throws Error, having changed nothing, when an edit does not fit, when the
// function moved by more than the plan's tolerance, or when ranks differ.
CommitReport commit_edits(CommitContext& context, const PlannedEdit& plan);

}  // namespace gptcore
