#include "apps/engine/verbs.h"
#include "core/pipeline/runner.h"

namespace gptcore {

int run_verb(const RunRequest& request) {
  RunPlan plan;
  plan.config = request.config;
  plan.plugin_files = request.plugin_files;
  plan.resume = request.resume;
  plan.overwrite = request.overwrite;
  plan.allow_arch_change = request.allow_arch_change;
  plan.quiet = request.quiet;
  plan.results_only = request.results_only;
  return run_pipeline(plan);
}

}  // namespace gptcore
