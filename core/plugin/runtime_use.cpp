#include "core/plugin/runtime_use.h"

#include <algorithm>
#include <array>

#include "core/plugin/elf_tables.h"

namespace gptcore {
namespace {

// Functions that LibTorch does not define in its headers: only a copy of LibTorch has them, hidden or not.
constexpr std::array<std::string_view, 3> kTorchOnly = {"_ZN3c1010Dispatcher13realSingletonEv", "_ZN3c1015GetCPUAllocatorEv",
                                                        "_ZN3c106detail14torchCheckFailE"};
// A symbol that a plugin instantiates from LibTorch's headers is weak; a strong symbol in these namespaces is LibTorch's.
constexpr std::array<std::string_view, 4> kTorchNamespaces = {"_ZN3c10", "_ZNK3c10", "_ZN2at", "_ZNK2at"};
constexpr std::string_view kLibraryConstructor = "_ZN5torch7LibraryC";  // of torch::Library, which TORCH_LIBRARY calls

template <size_t N> bool starts_with_any(std::string_view name, const std::array<std::string_view, N>& all) {
  return std::any_of(all.begin(), all.end(), [&](std::string_view s) { return name.starts_with(s); });
}

bool is_torch(const ElfSymbol& s) {
  if (s.name.find('$') != s.name.npos) return false;  // the mold linker's marks: "name$plt", "name$got"
  return starts_with_any(s.name, kTorchOnly) || (s.strong && starts_with_any(s.name, kTorchNamespaces));
}

// Returns true for ncclAllReduce, but not for nccl_config or ncclx.
bool is_nccl(std::string_view name) {
  return name.size() > 4 && name.find('$') == name.npos && name.starts_with("nccl") && name[4] >= 'A' && name[4] <= 'Z';
}

}  // namespace

RuntimeUse runtime_use(const ElfFile& elf) {
  RuntimeUse out;
  each_symbol(elf, [&](const ElfSymbol& s) {
    if (!s.defined)
      out.registers_operators |= s.name.starts_with(kLibraryConstructor);
    else if (out.second_copy.empty() && is_torch(s))
      out.second_copy = "LibTorch: it defines " + demangled(s.name);
    else if (out.second_copy.empty() && is_nccl(s.name))
      out.second_copy = "NCCL: it defines " + std::string(s.name);
  });
  return out;
}

}  // namespace gptcore
