// The conformance cases: the rules for every plugin, whoever wrote it. Each case runs in a process that has loaded no plugin.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"
#include "testkit/run_results.h"
#include "testkit/tiny_run.h"
#include "testkit/tiny_world.h"
#include "testkit/verdict.h"

namespace gptcore {

struct Case {
  std::string name;  // "file/one_export", "operation/freeze/resume"
  std::function<void()> run;
};
using Cases = std::vector<Case>;

// The results of a run: everything that two equal runs must have in common.
struct RunOutcome {
  std::vector<Record> records;
  std::vector<double> loss;
  TensorsByName model, optimizer;
};

// An item with the values that its author gives by --set.
struct ItemSubject {
  PluginFile plugin;
  ItemInfo item;
  Table given;
  uint64_t seed = 0;

  // Returns the plan of a run of 20 updates with this item.
  TinyPlan plan() const;
  // Returns the item's values as a pipeline gives them. Throws CaseSkipped, which names a --set that the item needs.
  Table values() const;
  // Loads the plugin.
  std::unique_ptr<TinyWorld> world() const;
  // Runs the plan in `folder`. Throws CaseSkipped like values(), or CaseFailed with the run's own error.
  RunOutcome run(const TinyPlan& plan, const ScratchFolder& folder) const;
  // Returns the first parameter for a file that has no value, which may explain why the item cannot be opened, or "".
  std::string missing_file() const;
  // Returns "operation/freeze".
  std::string path() const { return name_of(item.kind) + ("/" + item.name); }
};

// Add the cases of the file itself and of each item: those of every kind, then its kind's own.
void add_file_cases(const PluginFile& plugin, Cases& cases);
// `replaces`: the plugin may take names of installed plugins' items.
void add_name_case(const PluginFile& plugin, bool replaces, Cases& cases);
void add_parameter_cases(const ItemSubject& subject, Cases& cases);
void add_run_cases(const ItemSubject& subject, Cases& cases);
void add_tokenizer_cases(const ItemSubject& subject, Cases& cases);
void add_dataset_cases(const ItemSubject& subject, Cases& cases);
void add_model_cases(const ItemSubject& subject, Cases& cases);
void add_adapter_cases(const ItemSubject& subject, Cases& cases);
void add_operation_cases(const ItemSubject& subject, Cases& cases);
void add_evaluator_cases(const ItemSubject& subject, Cases& cases);
void add_logger_cases(const ItemSubject& subject, Cases& cases);

// Adds `run` as "<kind>/<item>/<name>". An Error about missing data in `run` skips the case when a file parameter is not set.
void add_case(const ItemSubject& subject, Cases& cases, const std::string& name, std::function<void(const ItemSubject&)> run);

// Throws CaseFailed("<what>: <difference>") unless both runs are equal bit for bit.
void expect_equal(const RunOutcome& a, const RunOutcome& b, const std::string& what);

}  // namespace gptcore
