#include "testkit/elf_facts.h"

#include <cxxabi.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "core/plugin/elf.h"

namespace gptcore {
namespace {

constexpr uint64_t kMaxTable = uint64_t{1} << 28;

std::string readable(const std::string& name) {
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, nullptr), std::free);
  return text ? text.get() : name;
}

void read_symbols(const ElfFile& elf, ElfFacts& facts) {
  const std::string symbols = elf.section(".dynsym", kMaxTable).value_or("");
  const std::string names = elf.section(".dynstr", kMaxTable).value_or("");
  for (size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol{};
    std::memcpy(&symbol, symbols.data() + at, sizeof symbol);
    const auto binding = ELF64_ST_BIND(symbol.st_info);
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    const bool outside = binding != STB_LOCAL && (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
    if (symbol.st_shndx == SHN_UNDEF || !outside || symbol.st_name >= names.size()) continue;
    facts.exported.push_back(readable(names.c_str() + symbol.st_name));
    if (binding == STB_GNU_UNIQUE) facts.unique.push_back(facts.exported.back());
  }
}

void read_segments(const std::string& path, ElfFacts& facts) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || header.e_phentsize != sizeof(Elf64_Phdr)) return;
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) return;
    const bool executable = (segment.p_flags & PF_X) != 0, writable = (segment.p_flags & PF_W) != 0;
    if (segment.p_type == PT_LOAD && executable && writable) facts.writable_code = true;
    if (segment.p_type == PT_GNU_STACK && executable) facts.executable_stack = true;
  }
}

}  // namespace

ElfFacts elf_facts(const std::string& path) {
  ElfFacts facts;
  read_symbols(ElfFile(path), facts);
  read_segments(path, facts);
  return facts;
}

}  // namespace gptcore
