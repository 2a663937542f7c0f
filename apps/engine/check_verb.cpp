#include "apps/engine/verbs.h"
#include "core/config/config_errors.h"
#include "core/pipeline/check.h"

namespace gptcore {

int check_verb(const CheckRequest& request) {
  std::vector<Error> errors = check_pipeline(request.config, request.plugin_files);
  if (!errors.empty()) throw ConfigErrors(std::move(errors));
  return 0;
}

}  // namespace gptcore
