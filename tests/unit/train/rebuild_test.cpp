// Operations for which there is not enough memory, wherever it runs out.
#include <ATen/ops/equal.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <thread>

#include "core/device/cpu_allocator.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/train/operated.h"

using namespace gptcore;
using namespace gptcore::testing;

namespace {

// Refuses one tensor of this thread its memory.
class FailingAllocator final : public c10::Allocator {
 public:
  FailingAllocator() {
    use_caching_cpu_allocator();
    base_ = c10::GetCPUAllocator();
    c10::SetCPUAllocator(this, kPriority);
  }
  ~FailingAllocator() override { c10::SetCPUAllocator(base_, kPriority); }
  c10::DataPtr allocate(size_t bytes) override {
    const bool mine = std::this_thread::get_id() == thread_;
    if (mine && armed && bytes > 0 && ++calls == fail_at) throw Error(Code::out_of_memory, "no memory for a tensor");
    return base_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return base_->raw_deleter(); }
  void copy_data(void* to, const void* from, size_t bytes) const override { base_->copy_data(to, from, bytes); }
  bool failed() const { return calls >= fail_at; }

  bool armed = false;
  int calls = 0, fail_at = 0;

 private:
  static constexpr uint8_t kPriority = 100;
  c10::Allocator* base_;
  std::thread::id thread_ = std::this_thread::get_id();
};

TrainOptions few_updates() {
  TrainOptions o = short_run();
  o.max_iters = 6;
  o.eval_interval = 0;
  return o;
}

}  // namespace

TEST_CASE("an operation that runs out of memory anywhere leaves training as it was", "[memory]") {
  const Plan edit = GENERATE(Plan([](ModelEdit& e) { e.freeze("blocks.0"); }), Plan([](ModelEdit& e) { e.widen_mlp(80, 0); }),
                             Plan([](ModelEdit& e) { e.set("batch_size", int64_t{4}); }));
  const int64_t threads = GENERATE(1, 2);
  Rig whole(few_updates(), 0, threads, two_blocks());
  whole.run();
  const Tensors undisturbed = weights(whole);

  int failures = 0;
  for (bool failed = true; failed;) {
    FailingAllocator memory;
    memory.fail_at = failures + 1;
    Rig rig(few_updates(), 0, threads, two_blocks());
    When when;
    when.at_iter = 3;
    ScheduledOperation operation{"edit", std::make_unique<Once>([&](ModelEdit& e) {
                                   edit(e);
                                   memory.armed = true;
                                 }),
                                 when, 0, kAllEffects};
    operation.skip_on_error = true;
    rig.operations.add(std::move(operation));
    rig.act = [&](const Record& r) {
      if (r.event == Event::operation && *find(r.fields, "phase") != Value("start")) memory.armed = false;
    };
    CHECK(rig.run() == StageEnd::finished);
    failed = memory.failed();
    if (!failed) break;
    ++failures;
    CAPTURE(failures);
    const Tensors left = weights(rig);
    REQUIRE(left.size() == undisturbed.size());
    for (const auto& [name, tensor] : left) REQUIRE(at::equal(tensor, undisturbed.at(name)));
    REQUIRE(rig.journal.empty());
  }
  CHECK(failures > 5);
}
