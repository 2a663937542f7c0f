// What a run of a pipeline would refuse and only its plugins and its model can tell, found without a run.
#pragma once

#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "gptcore/error.h"

namespace gptcore {

// Makes and opens the pipeline's items one by one and returns every refusal with its place, in the file's order; leaves no file
// behind and downloads nothing. Data is opened when its files are small (kMostRead) or the pipeline has no tokenizer, for then
// there is nothing to encode. The parameters of the model are allocated, not set.
std::vector<Error> check_pipeline(const PipelineConfig& config, const std::vector<std::string>& plugin_files);
// The same, but the operations are not carried out one after the other: plan_schedule() does that.
std::vector<Error> check_items(const PipelineConfig& config, const std::vector<std::string>& plugin_files);

}  // namespace gptcore
