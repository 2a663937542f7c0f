// What a shared library's tables say: the libraries it needs, its symbols and its build id. Nothing is loaded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/elf.h"

namespace gptcore {

struct ElfSymbol {
  std::string_view name;  // as the linker knows it; valid during the call
  bool defined = false;   // here, not imported
  bool strong = false;    // defined once and for all: neither weak, as inline functions are, nor local
};

// The names in DT_NEEDED.
std::vector<std::string> needed_libraries(const ElfFile& elf);
// Calls `visit` for every named symbol, those of the dynamic table first. A stripped library has only these.
void each_symbol(const ElfFile& elf, const std::function<void(const ElfSymbol&)>& visit);
// The linker's build id in hexadecimal; "" when there is none.
std::string build_id(const ElfFile& elf);
// "c10::GetCPUAllocator()" for a C++ symbol's name in the linker's form; others as they are.
std::string demangled(std::string_view name);

}  // namespace gptcore
