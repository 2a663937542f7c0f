#include "core/pipeline/completed_state.h"

#include <cmath>

#include "core/config/config_errors.h"
#include "core/config/document.h"
#include "core/config/overrides.h"
#include "core/options/counts.h"

namespace gptcore {
namespace {

std::optional<std::vector<std::string>> stages_before(const std::string& stage, const std::filesystem::path& pipeline) {
  try {
    ErrorList errors;
    const Document document = read_document(pipeline.string(), errors);
    const std::vector<std::string> names = stage_names(document);
    std::vector<std::string> before;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == stage) return before;
      const RawTable& table = document.stages[i].table;
      const Entry* eval_only = table.find("eval_only");
      if (table.text("kind") == "train" && !(eval_only && eval_only->value == Value(true))) before.push_back(names[i]);
    }
  } catch (const ConfigErrors&) {  // the order of the present pipeline has to do
  }
  return std::nullopt;
}

// Returns the value of a key of the stage at work; empty when the checkpoint does not tell it.
Value setting(const SavedState& saved, const std::string& key) {
  if (const Value* changed = find(saved.train.settings, key)) return *changed;
  const auto own = saved.settings.find(saved.stage + "." + key);
  return own == saved.settings.end() ? Value() : parse_value(own->second);
}

std::optional<EvaluationPlan> plan_of(const SavedState& saved) {
  const Value iters = setting(saved, "eval_iters"), size = setting(saved, "eval_batch_size"),
              batch = setting(saved, "batch_size");
  if (!size.is<int64_t>() || !batch.is<int64_t>()) return std::nullopt;
  EvaluationPlan plan{kWholeSplit, size.as<int64_t>() > 0 ? size.as<int64_t>() : batch.as<int64_t>()};
  if (iters.is<int64_t>())
    plan.iters = iters.as<int64_t>();
  else if (iters != Value("all"))
    return std::nullopt;
  return plan;
}

}  // namespace

void complete_state(SavedState& saved, FileSystem& files, const Checkpoint& checkpoint) {
  if (!saved.ended && !saved.stage.empty() && checkpoint.has("config.toml")) {
    checkpoint.text(files, "config.toml");  // refuses a damaged one
    saved.ended = stages_before(saved.stage, checkpoint.directory / "config.toml");
  }
  if (!saved.train.best_measured && std::isfinite(saved.train.best_val_loss)) saved.train.best_measured = plan_of(saved);
}

}  // namespace gptcore
