#include "apps/engine/verbs.h"
#include "core/pipeline/runner.h"
#include "core/plugin/breadcrumb.h"

namespace gptcore {

int run_verb(const RunRequest& request) {
  report_crashes();
  return run_pipeline({request.config, request.plugin_files, request.resume, request.overwrite});
}

}  // namespace gptcore
