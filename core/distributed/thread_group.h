// Runs ranks as threads of one process, for tests of what ranks agree on.
#pragma once

#include <memory>
#include <vector>

#include "core/distributed/process_group.h"

namespace gptcore {

// Returns one group for each rank; each is used by a thread of its own. When one is destroyed, calls of the others throw
// Error(peer_lost).
std::vector<std::unique_ptr<ProcessGroup>> thread_process_groups(int64_t size);

}  // namespace gptcore
