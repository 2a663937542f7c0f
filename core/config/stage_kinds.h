// The kinds of stages: the keys of each, and the tables that may stand below it.
#pragma once

#include <string>
#include <vector>

#include "core/config/owner.h"
#include "core/config/pipeline_config.h"
#include "core/options/stage_options.h"

namespace gptcore {

struct StageKind {
  std::string name;  // "train", the key `kind`
  std::string doc;
  bool takes_operations, takes_evaluators;  // [[stage.operation]], [[stage.evaluator]]
  Owner owner;
  StageOptions (*options)(const Section& checked);
};

// Returns all kinds, in the order of the documents.
const std::vector<StageKind>& stage_kinds();
// Returns null when there is no such kind.
const StageKind* find_stage_kind(const std::string& name);
std::vector<std::string> stage_kind_names();
// Returns the kinds for which `takes` is true, as "a train or evaluate stage's".
std::string stages_that_take(bool StageKind::*takes);

}  // namespace gptcore
