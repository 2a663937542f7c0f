// What the linker made of a plugin: what it exports, and which memory it asks for.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

struct ElfFacts {
  std::vector<std::string> exported;  // as a person reads them
  std::vector<std::string> unique;    // of these, STB_GNU_UNIQUE: they pin the library and merge with others' copies
  bool writable_code = false;         // a segment that is both
  bool executable_stack = false;
};

// Throws Error(plugin_*) as ElfFile does.
ElfFacts elf_facts(const std::string& path);

}  // namespace gptcore
