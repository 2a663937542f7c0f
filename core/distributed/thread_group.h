// Ranks as threads of one process: for tests of what ranks agree on.
#pragma once

#include <memory>
#include <vector>

#include "core/distributed/process_group.h"

namespace gptcore {

// One group a rank; each is used by a thread of its own. When one of them is destroyed the others' calls throw
// Error(peer_lost).
std::vector<std::unique_ptr<ProcessGroup>> thread_process_groups(int64_t size);

}  // namespace gptcore
