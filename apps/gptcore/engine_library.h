// Opens libgptcore.so, which needs LibTorch and half a second, only when a verb asks for it.
#pragma once

#include "apps/engine/engine.h"

namespace gptcore {

// The functions of ../lib/libgptcore.so beside the program; open until the process ends. Throws Error(io).
const EngineTable& engine();

}  // namespace gptcore
