#include "apps/engine/verbs.h"
#include "testkit/conformance.h"

namespace gptcore {

int test_verb(const ConformanceRequest& request) {
  return run_conformance(request);
}

}  // namespace gptcore
