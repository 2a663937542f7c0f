// The kit without any test framework.
#include "gptcore/testing.h"

int main() {
  gptcore::testing::Checks t;
  gptcore::testing::Harness h{FIXTURES "/tidy.so", "settle", {{"factor", 0.25}, {"at_step", 2}}};
  const auto r = h.run_steps(4);
  t.check(r.ok(), "the run is well: " + r.error);
  t.check(r.loss.size() == 4, "four updates were made");
  t.check(r.setting("learning_rate") == gptcore::Value(1e-2 * 0.25 * 0.25), "the learning rate was lowered twice");
  return t.exit_code();
}
