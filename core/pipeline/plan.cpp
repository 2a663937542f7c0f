#include "core/pipeline/plan.h"

#include <algorithm>
#include <limits>
#include <map>

#include "core/pipeline/stage_items.h"
#include "core/train/commit.h"
#include "core/train/trainer.h"

namespace gptcore {
namespace {

Shapes shapes_of(Network& network) {
  Shapes all;
  for (const Parameter& p : network.parameters()) all[p.name] = p.tensor.sizes().vec();
  return all;
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + ")";
}

// "trigger_loss = 3.0, max_wait_iters = 50".
std::string text_of(const When& when) {
  std::string text;
  for (const auto& [key, value] : schema_of<When>().values(when))
    if (!value.empty() && value != Value(false)) text += (text.empty() ? "" : ", ") + key + " = " + to_toml(value);
  return text;
}

std::vector<std::string> differences(const Shapes& before, const Shapes& after) {
  std::vector<std::string> lines;
  for (const auto& [name, shape] : after) {
    const auto old = before.find(name);
    if (old == before.end())
      lines.push_back("+ " + name + " " + text_of(shape));
    else if (old->second != shape)
      lines.push_back(name + " " + text_of(old->second) + " -> " + text_of(shape));
  }
  for (const auto& [name, shape] : before)
    if (!after.contains(name)) lines.push_back("- " + name + " " + text_of(shape));
  return lines;
}

void measure(Network& network, PlannedOperation& row) {
  for (const Parameter& p : network.parameters()) {
    row.params += p.tensor.numel();
    if (p.tensor.requires_grad()) row.trainable += p.tensor.numel();
  }
  row.bytes = 4 * (row.params + 3 * row.trainable);
}

class Planner {
 public:
  Planner(const PipelineConfig& config, Session& session, Effects effects)
      : effects_(effects), config_(config), session_(session), factory_(session.factory()), group_(single_process_group()) {
    session_.maker.use(config);
    structure_ = session_.structure;
    network_ = factory_.network(structure_);
  }

  SchedulePlan plan() {
    std::swap(session_.model, network_);
    auto items = open_stage_items(config_, session_, static_cast<uint64_t>(config_.run.as<RunOptions>().seed));
    std::swap(session_.model, network_);
    for (const StageConfig& stage : config_.stages)
      if (stage.kind == "train") plan_stage(stage, items.at(stage.name));
    return std::move(out_);
  }

 private:
  void plan_stage(const StageConfig& stage, StageItems& items) {
    options_ = stage.options.as<TrainOptions>();
    settings_.clear();
    now_ = TrainingView{};
    const auto& operations = items.operations.operations();
    has_others_ = operations.size() > 1;
    for (size_t i = 0; i < operations.size(); ++i) {
      const ScheduledOperation& operation = operations[i];
      if (operation.completed || (effects_ != kAllEffects && (operation.effects & effects_) == 0)) continue;
      PlannedOperation row;
      row.stage = stage.name;
      row.operation = operation.name;
      row.where = stage.operations[i].location.text();
      if (!operation.when) {  // it may plan again and again, by what it sees of the run
        row.trigger = "as it sees fit";
        measure(*network_, row);
        out_.rows.push_back(std::move(row));
        continue;
      }
      row.trigger = text_of(*operation.when);
      try {
        carry_out(operation, row);
      } catch (const Error& e) {
        const std::string who = e.code() == Code::plugin_failed ? "" : "operation '" + operation.name + "': ";
        out_.errors.emplace_back(e.code(), who + e.what(), e.hint(), e.where().empty() ? row.where : e.where());
      }
    }
  }

  void carry_out(const ScheduledOperation& operation, PlannedOperation& row) {
    advance(operation);
    const NetworkView view(*network_);
    EditSupport support;
    const TrainOptions options = with_settings(options_, settings_);
    support.options = &options;
    support.adapter_values = [&](const std::string& item, const Table& values) {
      return session_.maker.adapter_values(item, values);
    };
    support.data_vocab_size = session_.whole_vocab_size();
    support.can_undo = has_others_;
    PlannedEdit edit(view, operation.effects, support);
    operation.operation->plan(now_, edit);
    row.changes = edit.lines();
    row.tolerance = edit.tolerance;
    Table settings = settings_;
    put_all(settings, edit.settings);
    accumulation_steps(with_settings(options_, settings), network_->block_size(), 1);
    const Shapes before = shapes_of(*network_);
    if (!edit.edits.empty()) {
      GradScaler none(false, at::kCPU);
      TrainStep step{*network_, none, at::kCPU};
      CommitContext context{*network_, step, *group_, factory_, structure_};
      context.rebuild = [](const NamedMoments*) {};
      commit_edits(context, edit);
    }
    settings_ = std::move(settings);
    row.shapes = differences(before, shapes_of(*network_));
    measure(*network_, row);
    out_.rows.push_back(std::move(row));
  }

  // To about where the operation will be asked.
  void advance(const ScheduledOperation& operation) {
    if (operation.when && operation.when->at_iter) now_.step = std::max(now_.step, *operation.when->at_iter);
    if (operation.when && operation.when->max_wait_iters) now_.step += *operation.when->max_wait_iters;
    const TrainOptions options = with_settings(options_, settings_);
    now_.step = std::min(now_.step, options.max_iters);
    now_.learning_rate = options.learning_rate;
    now_.batch_size = options.batch_size;
    now_.gradient_accumulation_steps = options.gradient_accumulation_steps;
    now_.max_iters = options.max_iters;
  }

  Effects effects_;
  const PipelineConfig& config_;
  Session& session_;
  NetworkFactory factory_;
  std::unique_ptr<ProcessGroup> group_;
  Structure structure_;
  std::unique_ptr<Network> network_;
  TrainOptions options_;
  Table settings_;
  TrainingView now_;
  bool has_others_ = false;  // more than one operation is in the stage
  SchedulePlan out_;
};

}  // namespace

SchedulePlan plan_schedule(const PipelineConfig& config, Session& session, Effects effects) {
  return Planner(config, session, effects).plan();
}

}  // namespace gptcore
