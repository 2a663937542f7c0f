// Reads a shared library's tables: the libraries it needs, its symbols and its build id. Nothing is loaded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/elf.h"

namespace gptcore {

struct ElfSymbol {
  std::string_view name;  // as the linker knows it; valid during the call
  bool defined = false;   // in this library, not imported
  bool strong = false;    // defined once and for all: neither weak, as inline functions are, nor local
};

// Returns the names in DT_NEEDED.
std::vector<std::string> needed_libraries(const ElfFile& elf);
// Calls `visit` for every named symbol, first for those of the dynamic table. A stripped library has no others.
void each_symbol(const ElfFile& elf, const std::function<void(const ElfSymbol&)>& visit);
// Returns the linker's build id in hexadecimal, or "" when there is none.
std::string build_id(const ElfFile& elf);
// Returns "c10::GetCPUAllocator()" for a C++ symbol's name in the linker's form, and other names unchanged.
std::string demangled(std::string_view name);

}  // namespace gptcore
