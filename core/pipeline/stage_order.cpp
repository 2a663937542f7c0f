#include "core/pipeline/stage_order.h"

#include <algorithm>

#include "gptcore/error.h"

namespace gptcore {
namespace {

bool has_settings_of(const SavedState& saved, const std::string& stage) {
  const auto first = saved.settings.lower_bound(stage + ".");
  return first != saved.settings.end() && first->first.starts_with(stage + ".");
}

bool is_at_work(const StageConfig& stage, const SavedState& saved) {
  return stage.kind == "train" && stage.name == saved.stage;
}

}  // namespace

bool does_train(const StageConfig& stage) {
  return stage.kind == "train" && !std::get<TrainOptions>(stage.options).eval_only;
}

bool any_trains(const PipelineConfig& config) {
  return std::any_of(config.stages.begin(), config.stages.end(), does_train);
}

bool has_stage_at_work(const PipelineConfig& config, const SavedState& saved) {
  return std::any_of(config.stages.begin(), config.stages.end(), [&](const StageConfig& s) { return is_at_work(s, saved); });
}

std::vector<std::string> ended_stages(const PipelineConfig& config, const SavedState& saved) {
  if (!has_stage_at_work(config, saved)) return {};
  if (saved.ended) return *saved.ended;
  std::vector<std::string> ended;
  for (const StageConfig& stage : config.stages) {
    if (is_at_work(stage, saved)) break;
    if (stage.kind == "train" && has_settings_of(saved, stage.name)) ended.push_back(stage.name);
  }
  return ended;
}

void refuse_untrained_before_work(const PipelineConfig& config, const SavedState& saved) {
  if (!has_stage_at_work(config, saved)) return;
  const std::vector<std::string> ended = ended_stages(config, saved);
  for (const StageConfig& stage : config.stages) {
    if (is_at_work(stage, saved)) return;
    if (!does_train(stage) || std::find(ended.begin(), ended.end(), stage.name) != ended.end()) continue;
    throw Error(Code::checkpoint_mismatch,
                "stage '" + stage.name + "' was never trained, and comes before stage '" + saved.stage + "', which has begun",
                "move its [[stage]] table below that of '" + saved.stage + "'", stage.table.location.text());
  }
}

}  // namespace gptcore
