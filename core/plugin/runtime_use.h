// Finds in a plugin's symbols how it uses LibTorch and NCCL. A process may hold one copy of each: with two, tensors and
// operators of one are unknown to the other.
#pragma once

#include <string>

#include "core/plugin/elf.h"

namespace gptcore {

struct RuntimeUse {
  std::string second_copy;           // "LibTorch: it defines c10::GetCPUAllocator()"; "" when the plugin brings none
  bool registers_operators = false;  // has a TORCH_LIBRARY block
};

RuntimeUse runtime_use(const ElfFile& elf);

}  // namespace gptcore
