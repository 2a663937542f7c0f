// Finds without a run what a run of the pipeline would refuse and only its plugins and its model can tell.
#pragma once

#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "gptcore/error.h"

namespace gptcore {

// Makes and opens the pipeline's items one by one and returns every refusal with its place, in the file's order. Leaves no file
// behind and downloads nothing. Opens the data when its files are small (kMostRead), or when the pipeline has no tokenizer,
// because then nothing is encoded. Allocates the model's parameters and leaves them unset.
std::vector<Error> check_pipeline(const PipelineConfig& config, const std::vector<std::string>& plugin_files);
// Does the same, but does not commit the operations one after the other: plan_schedule() does that.
std::vector<Error> check_items(const PipelineConfig& config, const std::vector<std::string>& plugin_files);

}  // namespace gptcore
