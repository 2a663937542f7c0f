#include <ATen/TensorOperators.h>

#include <algorithm>

#include "core/config/config_errors.h"
#include "core/pipeline/runner.h"
#include "gptcore/suggest.h"
#include "gptcore/testing.h"
#include "testkit/run_results.h"
#include "testkit/tiny_run.h"
#include "testkit/tiny_world.h"

namespace gptcore::testing {
namespace {

ItemInfo find_item(const PluginFile& plugin, const std::string& name) {
  std::vector<ItemInfo> found;
  std::vector<std::string> names;
  for (const ItemInfo& item : plugin.items) {
    const std::string qualified = name_of(item.kind) + ("/" + item.name);
    if (item.name == name || qualified == name) found.push_back(item);
    names.push_back(qualified);
  }
  if (found.size() == 1) return found.front();
  throw Error(Code::unknown_name,
              "plugin '" + plugin.name + "' has " + (found.empty() ? "no item '" : "more than one '") + name + "'",
              did_you_mean(name, names, "it has " + listed(names)), plugin.path);
}

}  // namespace

struct Harness::Parts {
  PluginFile plugin;
  ItemInfo item;
  TinyPlan plan;
  std::unique_ptr<TinyWorld> made_world;

  TinyWorld& world() {
    if (!made_world) made_world = std::make_unique<TinyWorld>(plugin.path);
    return *made_world;
  }
  // Returns the item's values as the pipeline would give them. Throws Error(unknown_name) when the item is of another kind.
  Table values(Kind kind) {
    if (item.kind != kind)
      throw Error(Code::unknown_name, "'" + item.name + "' is of kind " + name_of(item.kind) + ", not " + name_of(kind));
    try {
      return item_values(load_tiny_plan(plan, world().folder()).config, kind, item.name);
    } catch (const ConfigErrors& errors) {
      throw errors.errors().front();
    }
  }
};

Harness::Harness(const std::string& file, const std::string& item, Table parameters) : parts_(std::make_unique<Parts>()) {
  parts_->plugin = read_plugin_file(file);
  parts_->item = find_item(parts_->plugin, item);
  parts_->plan.file = parts_->plugin.path;
  parts_->plan.kind = parts_->item.kind;
  parts_->plan.item = parts_->item.name;
  parts_->plan.parameters = std::move(parameters);
}

Harness::~Harness() = default;

Harness& Harness::set(const std::string& key, Value value) {
  Table& settings = parts_->plan.settings;
  std::erase_if(settings, [&](const auto& entry) { return entry.first == key; });
  settings.emplace_back(key, std::move(value));
  return *this;
}

Report Harness::run_steps(int64_t steps) {
  Report report;
  const ScratchFolder before, run;
  const auto train = [&](int64_t updates, const ScratchFolder& folder) {
    TinyPlan plan = parts_->plan;
    plan.steps = updates;
    const RunPlan loaded = load_tiny_plan(plan, folder.path());
    report.settings_ = loaded.config.stages.front().table.values;
    if (const int code = run_pipeline(loaded))
      throw Error(Code::internal, "the run ended with exit code " + std::to_string(code));
    for (const auto& [key, value] : changed_settings(folder.path() / "run"))
      for (auto& entry : report.settings_)
        if (entry.first == key) entry.second = value;
    return checkpoint_tensors(folder.path() / "run", "model.safetensors");
  };
  try {
    report.initial_ = train(0, before);
    report.final_ = train(steps, run);
  } catch (const std::exception& failure) {
    report.error = failure_text(failure);
  }
  report.records = run_records(run.path() / "run");
  report.loss = losses(report.records);
  report.metrics = last_metrics(report.records);
  return report;
}

std::unique_ptr<Tokenizer> Harness::tokenizer() {
  return parts_->world().tokenizer(parts_->item.name, parts_->values(Kind::tokenizer));
}

std::unique_ptr<Dataset> Harness::dataset() {
  return parts_->world().dataset(parts_->item.name, parts_->values(Kind::dataset));
}

std::unique_ptr<Model> Harness::model() {
  return parts_->world().model(parts_->item.name, parts_->values(Kind::model));
}

std::unique_ptr<Adapter> Harness::adapter() {
  return parts_->world().adapter(parts_->item.name, parts_->values(Kind::adapter));
}

std::unique_ptr<Operation> Harness::operation() {
  return parts_->world().operation(parts_->item.name, parts_->values(Kind::operation));
}

std::unique_ptr<Evaluator> Harness::evaluator() {
  return parts_->world().evaluator(parts_->item.name, parts_->values(Kind::evaluator));
}

std::unique_ptr<Logger> Harness::logger() {
  return parts_->world().logger(parts_->item.name, parts_->values(Kind::logger));
}

}  // namespace gptcore::testing
