#include "core/pipeline/stage_items.h"

#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

std::optional<When> when_of(const Section& section) {
  const Value* table = find(section.values, "when");
  if (!table || table->empty()) return std::nullopt;
  When when;
  schema_of<When>().assign(table->as<Table>(), when);
  return when;
}

// An error that names no place gets the table's.
template <class F> void at_table(const Section& section, F&& open) {
  try {
    open();
  } catch (const Error& e) {
    if (!e.where().empty()) throw;
    throw Error(e.code(), e.what(), e.hint(), section.location.text());
  }
}

}  // namespace

std::map<std::string, StageItems> open_stage_items(const PipelineConfig& config, Session& session, uint64_t seed) {
  std::map<std::string, StageItems> all;
  const NetworkView view(*session.model);
  for (const StageConfig& stage : config.stages) {
    StageItems& items = all[stage.name];
    for (const Section& section : stage.operations) {
      const Item& item = session.plugins.item(Kind::operation, section.use);
      ScheduledOperation operation{section.use, session.plugins.operation(section.use, section.values), when_of(section),
                                   item.events, item.effects};
      OperationContext context;
      context.model = &view;
      context.seed = stream_key(seed, "operation " + section.path);
      context.host = &session.host;
      at_table(section, [&] { operation.operation->open(context); });
      items.operations.add(std::move(operation));
    }
    for (const Section& section : stage.evaluators) {
      auto evaluator = session.plugins.evaluator(section.use, section.values);
      EvaluatorContext context;
      context.tokenizer = session.tokenizer.get();
      context.seed = stream_key(seed, "evaluator " + section.path);
      context.host = &session.host;
      at_table(section, [&] { evaluator->open(context); });
      items.evaluators.add(section.use, std::move(evaluator));
    }
  }
  return all;
}

}  // namespace gptcore
