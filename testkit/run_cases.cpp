// Checks a training run with the item in it.
#include "core/checkpoint/checkpoint.h"
#include "testkit/cases.h"

namespace gptcore {
namespace {

void default_run(const ItemSubject& s) {
  const ScratchFolder folder;
  const RunOutcome out = s.run(s.plan(), folder);
  expect(!out.loss.empty(), "no update was made");
}

void same_seed(const ItemSubject& s) {
  const ScratchFolder first, second;
  const RunOutcome a = s.run(s.plan(), first);
  expect_equal(a, s.run(s.plan(), second), "two runs of the same seed differ");
}

// Compares a run that starts from the checkpoint of update 10 with the one that continued.
void resume(const ItemSubject& s) {
  const ScratchFolder straight, resumed;
  RunOutcome whole = s.run(s.plan(), straight);
  const auto checkpoint = checkpoint_folder(straight.path() / "run") / step_name(10);
  if (!std::filesystem::exists(checkpoint)) throw CaseSkipped("the run ended before update 10, so there is nothing to resume");
  TinyPlan plan = s.plan();
  plan.resume = checkpoint.string();
  const RunOutcome rest = s.run(plan, resumed);
  expect(rest.loss.size() <= whole.loss.size(), "the resumed run made more updates than the straight one");
  whole.loss.erase(whole.loss.begin(), whole.loss.end() - static_cast<std::ptrdiff_t>(rest.loss.size()));
  expect_equal(whole, rest, "a run resumed at update 10 differs from one that went straight on");
}

}  // namespace

void add_run_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "default_run", default_run);
  add_case(subject, cases, "same_seed", same_seed);
  add_case(subject, cases, "resume", resume);
}

}  // namespace gptcore
