// Operations on the number of samples of a forward pass and of an update.
#include "../count_setting.h"
#include "adjust_batch_size.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

constexpr char kBatchSize[] = "batch_size";
constexpr char kAccumulation[] = "gradient_accumulation_steps";

struct SetBatchSizeRelative final : Scheduled {
  static constexpr Effects effects = kChangesTraining;
  static constexpr int64_t kMultiple = 8;
  double value = 1;
  static void schema(Schema<SetBatchSizeRelative>& s) {
    s.param("value", &SetBatchSizeRelative::value,
            "what batch_size is multiplied by; the product is rounded down to a multiple of 8, at least 8, or to an integer "
            "where that would be a larger batch")
        .required()
        .above(0)
        .at_most(1);
  }
  void plan(const TrainingView& now, ModelEdit& edit) override {
    const int64_t multiple = std::max(kMultiple, scaled(now.batch_size, value, 0) / kMultiple * kMultiple);
    const int64_t next = multiple <= now.batch_size ? multiple : scaled(now.batch_size, value, 1);
    if (next != now.batch_size) edit.set(kBatchSize, next);
  }
};

void setup(Registrar& r) {
  r.operation<SetCount<kBatchSize, 1>>("set_batch_size", "sets the number of samples of a forward pass");
  r.operation<ChangeCount<kBatchSize, 1>>("change_batch_size", "multiplies the number of samples of a forward pass");
  r.operation<SetBatchSizeRelative>("set_batch_size_relative", "shrinks the batch size by a factor, to a multiple of 8");
  r.operation<SetCount<kAccumulation, 1>>("set_grad_accum", "sets the number of batches of an update");
  r.operation<ChangeCount<kAccumulation, 1>>("change_grad_accum", "multiplies the number of batches of an update");
  r.operation<AdjustBatchSize>("adjust_batch_size", "finds the largest batch that fits in memory by trying");
}

}  // namespace

GPTCORE_PLUGIN("batch", GPTCORE_VERSION, setup)
