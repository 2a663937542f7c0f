// Lists each key with its owner's description, its value and the value's origin, for `gptcore config explain`.
#pragma once

#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/plugin/catalog.h"

namespace gptcore {

struct Explanation {
  std::string path;  // "train.learning_rate", "run.seed", "logger.0.every"
  ParamSpec spec;
  Value value;
  Origin origin;
};

// Returns every key of the pipeline, in the pipeline's order.
std::vector<Explanation> explain(const PipelineConfig& config, const Catalog& catalog);
// Returns the keys whose path is `key` or ends in it ("learning_rate"). Throws Error(unknown_key) when there is none.
std::vector<Explanation> explain(const PipelineConfig& config, const Catalog& catalog, const std::string& key);

}  // namespace gptcore
