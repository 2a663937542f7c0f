// Shows the fields `time.*` of a stage's updates as a tree with shares, when the stage ends.
#pragma once

#include <string>

#include "gptcore/events.h"

namespace gptcore::console {

class TimingTree {
 public:
  // Keeps the newest times. Returns the tree, without a newline at its end, when `record` ends a stage that had times, else "".
  std::string take(const Record& record);

 private:
  Table times_;  // "gradient_accumulation.forward" -> milliseconds
};

}  // namespace gptcore::console
