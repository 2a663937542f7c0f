#include "core/pipeline/stage_items.h"

#include <algorithm>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/config/operation_keys.h"
#include "core/config/operations_file.h"
#include "core/pipeline/stage_order.h"
#include "core/train/resumed_operations.h"
#include "gptcore/draft/model_check.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

// Returns a function that marks the entry of that number in the user's file. A failure costs only the mark: progress is in the
// checkpoints.
std::function<void()> marks_entry(const std::string& path, size_t index, Host& host) {
  return [path, index, &host] {
    try {
      const auto files = posix_file_system();
      constexpr uint64_t kLargest = uint64_t{4} << 20;
      const std::string text = read_text(*files, path, kLargest), marked = with_completed(text, index);
      if (marked != text) write_file_atomically(*files, path, marked);
    } catch (const Error& e) {
      host.log(Level::warning, "'completed: true' was not written to " + path + ": " + e.what());
    }
  };
}

bool of_operations_file(const StageConfig& stage, const Section& section) {
  return section.location.file != stage.table.location.file;
}

// Returns the operation's conditions and policy from its table. The operation itself is still to be made.
ScheduledOperation scheduled(const StageConfig& stage, size_t index, const Item& item, Host& host) {
  const Section& section = stage.operations[index];
  const OperationKeys keys = operation_keys(section.values);
  ScheduledOperation out;
  out.name = section.use;
  out.when = keys.conditions();
  out.events = item.events;
  out.effects = item.effects;
  out.reevaluate = keys.reevaluate;
  out.skip_on_error = keys.on_error == "skip";
  out.completed = keys.completed;
  out.undo_if_worse = keys.undo_if_worse;
  out.judge_after = keys.judge_after;
  out.table = operation_table(section.use, section.values);
  out.policy = operation_policy(section.values);
  if (const Value* value = find(section.values, "value")) out.value = *value;
  const Value *file = find(stage.table.values, "operations_file"), *back = find(stage.table.values, "write_back");
  if (file && file->is<std::string>() && back && *back == Value(true) && of_operations_file(stage, section)) {
    const auto first = std::find_if(stage.operations.begin(), stage.operations.end(),
                                    [&](const Section& other) { return of_operations_file(stage, other); });
    const auto before = static_cast<size_t>(first - stage.operations.begin());
    out.on_done = marks_entry(file->as<std::string>(), index - before, host);
  }
  return out;
}

// An error that names no place gets the table's.
template <class F> void at_table(const Section& section, F&& open) {
  try {
    open();
  } catch (const Error& e) {
    throw e.at(section.location.text());
  }
}

// The consequence of an operation's open() refusing the model.
enum class Fault {
  ends,   // the run ends at once
  waits,  // the operation fails when it fires: open() accepted the model earlier, which has changed since
  none,   // nothing happens: the operation does not fire again
};

bool is_over(const PipelineConfig& config, const StageConfig& stage, const SavedState& saved) {
  const std::vector<std::string> ended = ended_stages(config, saved);
  const auto is_at_work = [&](const StageConfig& s) { return s.name == saved.stage; };
  return std::find(ended.begin(), ended.end(), stage.name) != ended.end() ||
         std::any_of(config.stages.begin() + (&stage - config.stages.data() + 1), config.stages.end(), is_at_work);
}

// Returns the fault of each operation of the stage.
std::vector<Fault> faults_of(const PipelineConfig& config, const StageConfig& stage, const OperationSet& operations,
                             const SavedState* saved) {
  std::vector<Fault> faults(operations.operations().size(), Fault::ends);
  if (saved && is_over(config, stage, *saved)) return std::vector<Fault>(faults.size(), Fault::none);
  std::vector<TriggerState> states = operations.states();
  std::vector<std::optional<size_t>> known(faults.size());
  if (saved && saved->stage == stage.name) {
    TrainState state = saved->train;
    known = resume_operations(operations, state).from;
    states = std::move(state.triggers);
  }
  if (saved && saved->stage != stage.name) {  // a later stage, whose operations the run opened when it started
    const std::vector<OperationTable> before = operations_in(saved->settings, stage.name);
    for (size_t i = 0; i < known.size(); ++i)
      if (const auto found = std::find(before.begin(), before.end(), states[i].table); found != before.end())
        known[i] = static_cast<size_t>(found - before.begin());
  }
  for (size_t i = 0; i < faults.size(); ++i) {
    const bool failed_for_good = states[i].status == OperationStatus::failed && operations.operations()[i].skip_on_error;
    const bool asked = states[i].status == OperationStatus::pending || states[i].status == OperationStatus::failed;
    if (!asked || failed_for_good)
      faults[i] = Fault::none;
    else if (known[i])
      faults[i] = Fault::waits;
  }
  return faults;
}

}  // namespace

std::map<std::string, StageItems> open_stage_items(const PipelineConfig& config, Session& session, uint64_t seed,
                                                   const SavedState* saved) {
  std::map<std::string, StageItems> all;
  const NetworkView view(*session.model);
  bool blocks_may_change = false;
  for (const StageConfig& stage : config.stages) {
    StageItems& items = all[stage.name];
    std::map<std::string, int64_t> alike;  // number of operations with the same name and `when`
    for (size_t i = 0; i < stage.operations.size(); ++i) {
      const Section& section = stage.operations[i];
      ScheduledOperation operation = scheduled(stage, i, session.plugins.item(Kind::operation, section.use), session.host);
      at_table(section, [&] { operation.operation = session.plugins.operation(section.use, section.values); });
      items.operations.add(std::move(operation));
    }
    const std::vector<Fault> faults = faults_of(config, stage, items.operations, saved);
    for (size_t i = 0; i < stage.operations.size(); ++i) {
      const Section& section = stage.operations[i];
      const ScheduledOperation& operation = items.operations.operations()[i];
      OperationContext context;
      context.model = &view;
      // The operation keeps its random numbers when its place among the others changes.
      const std::string name = stage.name + " " + section.use + " " + (operation.when ? text_of(*operation.when) : "");
      context.seed = stream_key(seed, "operation " + name + " " + std::to_string(alike[name]++));
      context.rank = session.group->rank();
      context.ranks = session.group->size();
      context.host = &session.host;
      context.data_vocab_size = session.whole_vocab_size();
      blocks_may_change |= (operation.effects & (kReshapes | kReplaces)) != 0;
      try {
        at_table(section, [&] { operation.operation->open(context); });
      } catch (const Error& e) {
        if (faults[i] == Fault::ends || e.code() == Code::internal) throw;
        if (faults[i] == Fault::waits)
          session.host.log(Level::warning,
                           e.where() + ": operation '" + operation.name +
                               "' does not fit the model as it is now, and will fail when it fires: " + e.what());
        items.operations.leave_unopened(i, e);
      }
    }
    if (session.tokenizer && session.tokenizer->ready()) {
      const ShownVocabulary* shown = shown_vocabulary(session.dataset.get());
      items.evaluators.show_tokens(shown ? shown->whole_size() : session.tokenizer->vocab_size());
    }
    for (const Section& section : stage.evaluators) {
      auto evaluator = session.plugins.evaluator(section.use, section.values);
      EvaluatorContext context;
      context.tokenizer = session.tokenizer.get();
      context.seed = stream_key(seed, "evaluator " + section.path);
      context.rank = session.group->rank();
      context.ranks = session.group->size();
      context.host = &session.host;
      at_table(section, [&] {
        evaluator->open(context);
        if (auto* check = extension_of<ModelCheck>(*evaluator)) throw_if_failed(check->check_model(view, blocks_may_change));
      });
      items.evaluators.add(section.use, std::move(evaluator), section.use + " " + to_toml(Value(section.values)));
    }
  }
  return all;
}

void warn_of_triggers(const PipelineConfig& config, Host& host) {
  for (const StageConfig& stage : config.stages) {
    std::vector<std::string> evaluators;
    for (const Section& evaluator : stage.evaluators) evaluators.push_back(evaluator.use);
    for (const Section& section : stage.operations) {
      const std::optional<When> when = operation_keys(section.values).conditions();
      if (when && when->metric && !is_published(*when->metric, evaluators))
        host.log(Level::warning, section.location.text() + ": operation '" + section.use + "' waits for the metric '" +
                                     *when->metric + "', which nothing in this stage publishes");
      if (!when || stage.kind != "train") continue;
      if (const std::string why = plateau_out_of_reach(*when, std::get<TrainOptions>(stage.options)); !why.empty())
        host.log(Level::warning, section.location.text() + ": operation '" + section.use + "' does not fire: " + why);
    }
  }
}

}  // namespace gptcore
