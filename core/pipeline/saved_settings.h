// The settings of a pipeline as state.json stores them, and how those of a checkpoint differ from a resumed run's.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/train/trigger.h"

namespace gptcore {

// Maps the path of each setting ("train.learning_rate") to its value as TOML text. A resumed run compares them.
using Settings = std::map<std::string, std::string>;
Settings settings_of(const PipelineConfig& config);
// Returns the settings of evaluators and of stages that do not train, which leave the model as it is.
Settings observing_settings_of(const PipelineConfig& config);
// Returns the item and the keys of the stage's operation `index`. The item is "" when there is no such operation.
std::pair<std::string, Table> operation_in(const Settings& settings, const std::string& stage, size_t index);
// Returns the operations of a train stage, in its order.
std::vector<OperationTable> operations_in(const Settings& settings, const std::string& stage);

// Compares the settings with a checkpoint's. Returns a line for each difference that changes the course of training, as
// "key: old -> new", and one for a table that only one side has. Throws Error(checkpoint_mismatch) when the tokenizer differs,
// or the model unless `allow_other_model`.
std::vector<std::string> changed_settings(const Settings& saved, const Settings& now, const std::string& checkpoint,
                                          bool allow_other_model = false);
// Returns whether the settings describe different models or tokenizers, so that the weights of one do not fit the other.
bool other_model(const Settings& saved, const Settings& now);

}  // namespace gptcore
