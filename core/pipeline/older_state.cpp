#include "core/pipeline/older_state.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/config/config_errors.h"
#include "core/config/document.h"
#include "core/config/operation_keys.h"
#include "core/config/overrides.h"
#include "core/options/counts.h"
#include "core/pipeline/run_state.h"

namespace gptcore {
namespace {

// Fills in from the settings what older checkpoints do not store of the stage's operation `index`.
void fill_in(const Settings& settings, const std::string& stage, size_t index, TriggerState& state) {
  const auto [use, values] = operation_in(settings, stage, index);
  if (use.empty()) return;
  if (state.table.empty()) state.table = operation_table(use, values);
  state.policy = operation_policy(values);
  state.completed = operation_keys(values).completed;
}

// Returns whether an older checkpoint's point was judged: `judge_after` evaluations or more have followed it.
bool was_judged(const UndoPoint& point, const std::vector<TriggerState>& triggers) {
  const auto index = static_cast<size_t>(point.operation);
  if (index >= triggers.size()) return false;
  const auto after = triggers[index].policy.find("judge_after");
  return after != triggers[index].policy.end() && point.evaluations >= std::stoll(after->second);
}

// In place of a flag for each operation, format 6 notes how many operations the event had passed.
void complete_round(const nlohmann::ordered_json& json, Round& round) {
  if (!json.contains("asked")) round.asked.assign(json.at("next").get<size_t>(), true);
}

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

void complete_older(const nlohmann::ordered_json& json, SavedState& s) {
  TrainState& t = s.train;
  if (json.at("format") == 6) s.born = json.at("moments_born").get<std::map<std::string, int64_t>>();
  if (!json.contains("patience_reference")) t.patience.reference = t.best_val_loss;
  if (!json.contains("rewind_step")) t.rewind_step = t.step;
  if (t.round) complete_round(json.at("round"), *t.round);
  if (t.next_round) complete_round(json.at("next_round"), *t.next_round);
  if (const auto threads = s.settings.find("run.threads"); !json.contains("threads") && threads != s.settings.end())
    s.threads = std::stoll(threads->second);
  for (size_t i = 0; i < t.triggers.size(); ++i)
    if (t.triggers[i].policy.empty() && !t.triggers[i].gone) fill_in(s.settings, s.stage, i, t.triggers[i]);
  const auto& points = json.at("undo_points");
  for (size_t i = 0; i < points.size(); ++i)
    if (!points[i].contains("judged")) t.undo_points[i].judged = was_judged(t.undo_points[i], t.triggers);
}

void complete_older(SavedState& saved, FileSystem& files, const Checkpoint& checkpoint) {
  if (!saved.ended && !saved.stage.empty() && checkpoint.has("config.toml")) {
    checkpoint.text(files, "config.toml");  // refuses a damaged one
    saved.ended = stages_before(saved.stage, checkpoint.directory / "config.toml");
  }
  if (!saved.train.best_measured && std::isfinite(saved.train.best_val_loss)) saved.train.best_measured = plan_of(saved);
}

}  // namespace gptcore
