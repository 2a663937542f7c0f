// The base of the built-in operations.
#pragma once

#include "gptcore/operation.h"

namespace gptcore::operations {

// An operation that fires by its table's `when` alone: after every update it would only do harm.
struct Scheduled : Operation {
  static constexpr EventSet events = 0;
};

}  // namespace gptcore::operations
