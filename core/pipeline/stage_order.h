// Tells which train stages of a pipeline have ended, by the checkpoint that the run continues from.
#pragma once

#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/pipeline/run_state.h"

namespace gptcore {

// Returns whether the stage trains: with eval_only a train stage only measures.
bool does_train(const StageConfig& stage);
bool any_trains(const PipelineConfig& config);

// Returns whether the pipeline has the train stage that the checkpoint was made in.
bool has_stage_at_work(const PipelineConfig& config, const SavedState& saved);

// Returns the names of the train stages that had ended when the checkpoint was saved. For versions that did not note them,
// these are the stages before the one at work that the checkpoint has settings of. Returns none when the pipeline lacks the
// stage at work: all of its train stages then start from the checkpoint's model.
std::vector<std::string> ended_stages(const PipelineConfig& config, const SavedState& saved);

// Throws Error(checkpoint_mismatch) when a stage that trains stands before the stage at work and was never trained.
void refuse_untrained_before_work(const PipelineConfig& config, const SavedState& saved);

}  // namespace gptcore
