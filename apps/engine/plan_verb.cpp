// gptcore plan: what the operations of a pipeline will do, before it runs.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/engine/verbs.h"
#include "core/base/file_system.h"
#include "core/base/text.h"
#include "core/config/config_errors.h"
#include "core/pipeline/check.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/runner.h"
#include "core/pipeline/stage_items.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kShown = 6;  // changes or shapes an operation

void print_lines(const std::vector<std::string>& lines) {
  for (size_t i = 0; i < lines.size() && i < kShown; ++i) std::printf("      %s\n", lines[i].c_str());
  if (lines.size() > kShown) std::printf("      and %zu more\n", lines.size() - kShown);
}

std::string expectation(const PlannedOperation& row) {
  if (row.shapes.empty()) return "none from the change itself";
  if (!row.tolerance) return "measured when it happens";
  char text[60];
  std::snprintf(text, sizeof text, "none: logits move by at most %g", *row.tolerance);
  return text;
}

void print(const PlannedOperation& row, const std::string& stage_before) {
  if (row.stage != stage_before) std::printf("stage %s\n", row.stage.c_str());
  const std::string step = row.step ? "  at update " + std::to_string(*row.step) : "";
  std::printf("  %s  when %s%s  (%s)\n", row.operation.c_str(), row.trigger.c_str(), step.c_str(), row.where.c_str());
  if (row.changes.empty()) std::printf("      decides when it fires\n");
  print_lines(row.changes);
  print_lines(row.shapes);
  std::printf("      parameters %s, trainable %s, memory %.1f MiB, loss change %s\n", grouped(row.params).c_str(),
              grouped(row.trainable).c_str(), static_cast<double>(row.bytes) / (1 << 20), expectation(row).c_str());
}

Json json_of(const PlannedOperation& row) {
  return {{"stage", row.stage},
          {"operation", row.operation},
          {"trigger", row.trigger},
          {"where", row.where},
          {"step", row.step ? Json(*row.step) : Json()},
          {"changes", row.changes},
          {"shapes", row.shapes},
          {"params", row.params},
          {"trainable", row.trainable},
          {"memory_bytes", row.bytes},
          {"tolerance", row.tolerance ? Json(*row.tolerance) : Json()}};
}

SchedulePlan planned(const PipelineConfig& config, const std::vector<std::string>& plugin_files) {
  auto options = config.run.as<RunOptions>();
  options.precision = "float32";
  options.threads = 1;  // nothing is computed
  Session session(options, plugin_files);
  const auto files = posix_file_system();
  session.open_tokenizer(config, *files, nullptr);
  session.open_dataset(config, static_cast<uint64_t>(options.seed), *files, nullptr);
  warn_of_triggers(config, session.host);
  return plan_schedule(config, session, kAnyOrNone, goes_on(*files, options));
}

}  // namespace

int plan_verb(const PlanRequest& request) {
  PipelineConfig config = request.config;
  put(config.run.values, "device", "cpu");  // plans are made where the GPU of the run is not, too
  SchedulePlan plan;
  plan.errors = check_items(config, request.plugin_files);
  if (plan.errors.empty()) plan = planned(config, request.plugin_files);
  if (request.json) {
    Json rows = Json::array(), errors = Json::array();
    for (const PlannedOperation& row : plan.rows) rows.push_back(json_of(row));
    for (const Error& error : plan.errors) errors.push_back(error.line());
    std::printf("%s\n", Json{{"operations", rows}, {"errors", errors}}.dump(2).c_str());
  } else {
    std::string stage;
    for (const PlannedOperation& row : plan.rows) {
      print(row, stage);
      stage = row.stage;
    }
    if (plan.rows.empty() && plan.errors.empty()) std::printf("no operations\n");
  }
  std::fflush(stdout);
  if (!plan.errors.empty()) throw ConfigErrors(std::move(plan.errors));
  return 0;
}

}  // namespace gptcore
