#include "apps/engine/verbs.h"
#include "core/testing/conformance.h"

namespace gptcore {

int test_verb(const ConformanceRequest& request) {
  return run_conformance(request);
}

}  // namespace gptcore
