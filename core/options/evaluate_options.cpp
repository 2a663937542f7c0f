#include "core/options/evaluate_options.h"

namespace gptcore {

void EvaluateOptions::schema(Schema<EvaluateOptions>& s) {
  s.param("splits", &EvaluateOptions::splits, "what is measured: train, val or both");
  s.check([](const EvaluateOptions& o, Problems& found) {
    for (const std::string& split : o.splits)
      if (split != "train" && split != "val")
        found.push_back({"splits", "there is no split '" + split + "'", "splits = [\"train\", \"val\"]"});
    if (o.splits.empty()) found.push_back({"splits", "'splits' is empty", "splits = [\"val\"]"});
  });
  s.param("eval_iters", &EvaluateOptions::eval_iters, "batches from each split, or all of it")
      .range(1, kMany)
      .word("all", static_cast<double>(kWholeSplit));
  s.param("batch_size", &EvaluateOptions::batch_size, "samples per forward pass").range(1, 1e9);
}

}  // namespace gptcore
