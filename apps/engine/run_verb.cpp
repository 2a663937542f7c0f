#include "apps/engine/verbs.h"
#include "core/pipeline/runner.h"

namespace gptcore {

int run_verb(const RunRequest& request) {
  return run_pipeline({request.config, request.plugin_files, request.resume, request.overwrite});
}

}  // namespace gptcore
