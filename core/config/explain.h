// What `gptcore config explain` tells: each key with its owner's description, its value and where that came from.
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

// Every key of the pipeline, in its order.
std::vector<Explanation> explain(const PipelineConfig& config, const Catalog& catalog);
// Those whose path is `key` or ends in it ("learning_rate"). Throws Error(unknown_key) when there is none.
std::vector<Explanation> explain(const PipelineConfig& config, const Catalog& catalog, const std::string& key);

}  // namespace gptcore
