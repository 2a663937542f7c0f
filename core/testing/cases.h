// The conformance cases: what every plugin must keep to, whoever wrote it. Each runs in a process that has loaded no plugin.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"
#include "core/testing/run_results.h"
#include "core/testing/tiny_run.h"
#include "core/testing/tiny_world.h"
#include "core/testing/verdict.h"

namespace gptcore {

struct Case {
  std::string name;  // "file/one_export", "operation/freeze/resume"
  std::function<void()> run;
};
using Cases = std::vector<Case>;

// What a run gave: everything that two equal runs must have in common.
struct RunOutcome {
  std::vector<Record> records;
  std::vector<double> loss;
  TensorsByName model, optimizer;
};

// An item with the values that its author's --set gives.
struct ItemSubject {
  PluginFile plugin;
  ItemInfo item;
  Table given;
  uint64_t seed = 0;

  // The plan of a run with this item, of 20 updates.
  TinyPlan plan() const;
  // The item's values as a pipeline gives them. Throws CaseSkipped naming the --set that it needs.
  Table values() const;
  // Loads the plugin.
  std::unique_ptr<TinyWorld> world() const;
  // Runs the plan in `folder`. Throws CaseSkipped like values(), CaseFailed with the run's own error.
  RunOutcome run(const TinyPlan& plan, const ScratchFolder& folder) const;
  // Whether a missing file explains why it cannot be opened: the first parameter for one that has no value, or "".
  std::string missing_file() const;
  // "operation/freeze".
  std::string path() const { return name_of(item.kind) + ("/" + item.name); }
};

// Cases of the file itself, and of each item: those of every kind, then its kind's own.
void add_file_cases(const PluginFile& plugin, Cases& cases);
// `replaces`: names of installed plugins' items may be taken.
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

// Puts `run` behind "<kind>/<item>/<name>". An Error of missing data in it skips the case when a file parameter is not set.
void add_case(const ItemSubject& subject, Cases& cases, const std::string& name, std::function<void(const ItemSubject&)> run);

// Throws CaseFailed("<what>: <how they differ>") unless both runs are equal bit for bit.
void expect_equal(const RunOutcome& a, const RunOutcome& b, const std::string& what);

}  // namespace gptcore
