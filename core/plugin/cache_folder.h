// The folder for files that can be made again: downloads, prepared tokens.
#pragma once

#include <string>

namespace gptcore {

// Returns $GPTCORE_CACHE, else $XDG_CACHE_HOME/gptcore, else ~/.cache/gptcore. Throws Error(io) when none is set.
std::string cache_folder();

}  // namespace gptcore
