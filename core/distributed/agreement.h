// What ranks tell each other so that all of them take the same way.
#pragma once

#include <c10/core/Device.h>

#include <optional>

#include "core/distributed/process_group.h"
#include "gptcore/error.h"

namespace gptcore {

// [all ranks] Returns a rank's failure on every rank: the own one, else that of the lowest rank that has one; absent when no
// rank has failed. The group's tensors live on `device`.
std::optional<Error> failure_of_any(ProcessGroup& group, at::Device device, const std::optional<Error>& own);

}  // namespace gptcore
