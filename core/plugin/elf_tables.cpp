#include "core/plugin/elf_tables.h"

#include <cxxabi.h>
#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace gptcore {
namespace {

constexpr uint64_t kMaxTable = 1 << 28;  // bytes; a plugin with all debug symbols has some tens of millions
constexpr uint64_t kMaxNote = 1 << 10;

// Returns the text at `offset`, or "" beyond the table.
std::string_view name_at(std::string_view strings, uint64_t offset) {
  if (offset >= strings.size()) return {};
  return strings.substr(offset, std::min(strings.find('\0', offset), strings.size()) - offset);
}

// Returns the section as entries of type T, without a truncated last one.
template <class T> std::vector<T> entries(const ElfFile& elf, std::string_view name) {
  const std::string bytes = elf.section(name, kMaxTable).value_or("");
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

void visit_table(const ElfFile& elf, std::string_view symbols, std::string_view strings,
                 const std::function<void(const ElfSymbol&)>& visit) {
  const std::string names = elf.section(strings, kMaxTable).value_or("");
  for (const Elf64_Sym& s : entries<Elf64_Sym>(elf, symbols)) {
    const std::string_view name = name_at(names, s.st_name);
    if (!name.empty()) visit({name, s.st_shndx != SHN_UNDEF, ELF64_ST_BIND(s.st_info) == STB_GLOBAL});
  }
}

}  // namespace

std::vector<std::string> needed_libraries(const ElfFile& elf) {
  const std::string names = elf.section(".dynstr", kMaxTable).value_or("");
  std::vector<std::string> out;
  for (const Elf64_Dyn& d : entries<Elf64_Dyn>(elf, ".dynamic"))
    if (d.d_tag == DT_NEEDED) out.emplace_back(name_at(names, d.d_un.d_val));
  return out;
}

void each_symbol(const ElfFile& elf, const std::function<void(const ElfSymbol&)>& visit) {
  visit_table(elf, ".dynsym", ".dynstr", visit);
  visit_table(elf, ".symtab", ".strtab", visit);
}

std::string build_id(const ElfFile& elf) {
  const std::string note = elf.section(".note.gnu.build-id", kMaxNote).value_or("");
  Elf64_Nhdr header{};
  if (note.size() < sizeof header) return {};
  std::memcpy(&header, note.data(), sizeof header);
  const uint64_t begin = sizeof header + (uint64_t{header.n_namesz} + 3) / 4 * 4;
  if (header.n_type != NT_GNU_BUILD_ID || begin > note.size() || header.n_descsz > note.size() - begin) return {};
  std::string out;
  for (const char c : note.substr(begin, header.n_descsz)) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string demangled(std::string_view name) {
  const std::string text(name);
  const std::unique_ptr<char, void (*)(void*)> out(abi::__cxa_demangle(text.c_str(), nullptr, nullptr, nullptr), std::free);
  return out ? out.get() : text;
}

}  // namespace gptcore
