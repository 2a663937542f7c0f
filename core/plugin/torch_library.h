// Finds LibTorch when the program runs, which may be on another machine or in another place than where it was built.
#pragma once

namespace gptcore {

// Loads LibTorch for good, so that what is opened next finds it in the process: the one of the prefix $GPTCORE_TORCH, else
// the one this was built with. Throws Error(io) when it is not there or of another minor version, and says how to name one.
void open_torch();

}  // namespace gptcore
