// adjust_batch_size finds the largest batch that fits in memory, measured on real batches.
#pragma once

#include "../scheduled.h"
#include "gptcore/schema.h"

namespace gptcore::operations {

class AdjustBatchSize final : public Scheduled {
 public:
  static constexpr Effects effects = kChangesTraining;
  static void schema(Schema<AdjustBatchSize>& s);
  void open(const OperationContext& context) override;
  void plan(const TrainingView& now, ModelEdit& edit) override;

 private:
  AdjustBatchSize with_value() const;

  Value value_;
  int64_t max_batch_size_ = 1024, current_batch_size_ = 0, memory_budget_ = 0, trials_ = 12;
  double target_vram_percent_ = 82;
  bool keep_tokens_per_step_ = true;
  Host* host_ = nullptr;
};

}  // namespace gptcore::operations
