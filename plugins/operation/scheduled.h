// What the built-in operations have in common.
#pragma once

#include "gptcore/operation.h"

namespace gptcore::operations {

// An operation that is asked by its table's `when` alone: done after every update it would only do harm.
struct Scheduled : Operation {
  static constexpr EventSet events = 0;
};

}  // namespace gptcore::operations
