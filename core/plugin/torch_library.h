// Finds LibTorch when the program runs: machine and place may be others than those of the build.
#pragma once

namespace gptcore {

// Loads LibTorch for good, so that libraries opened later find it in the process: from the prefix $GPTCORE_TORCH, else the one
// that gptcore was built with. Throws Error(io), which says how to name one, when it is absent or of another minor version.
void open_torch();

}  // namespace gptcore
