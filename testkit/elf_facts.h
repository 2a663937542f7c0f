// The facts that the linker put into a plugin: its exports and the memory that it asks for.
#pragma once

#include <string>
#include <vector>

namespace gptcore {

struct ElfFacts {
  std::vector<std::string> exported;  // as a person reads them
  std::vector<std::string> unique;    // those that are STB_GNU_UNIQUE: they pin the library and merge with others' copies
  bool writable_code = false;         // a segment is writable and executable
  bool executable_stack = false;
};

// Throws Error(plugin_*) as ElfFile does.
ElfFacts elf_facts(const std::string& path);

}  // namespace gptcore
