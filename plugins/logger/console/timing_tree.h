// The fields `time.*` of a stage's updates as a tree with shares, for its end.
#pragma once

#include <string>

#include "gptcore/events.h"

namespace gptcore::console {

class TimingTree {
 public:
  // Keeps the newest times. The tree, without a newline at its end, when `record` ends a stage that had some; else "".
  std::string take(const Record& record);

 private:
  Table times_;  // "gradient_accumulation.forward" -> milliseconds
};

}  // namespace gptcore::console
