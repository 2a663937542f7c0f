// How a plugin uses LibTorch and NCCL, seen in its symbols. There may be one copy of each in a process: with two, tensors and
// operators of one are unknown to the other.
#pragma once

#include <string>

#include "core/plugin/elf.h"

namespace gptcore {

struct RuntimeUse {
  std::string second_copy;           // "LibTorch: it defines c10::GetCPUAllocator()"; "" when it brings none
  bool registers_operators = false;  // has a TORCH_LIBRARY block
};

RuntimeUse runtime_use(const ElfFile& elf);

}  // namespace gptcore
