// Reads and checks what a plugin file says about itself, without running any of its code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plugin/catalog.h"

namespace gptcore {

struct PluginFile {
  std::string path;  // absolute, links resolved
  std::string name, version;
  std::string build_id;              // the linker's, hexadecimal; shown, never compared; "" when there is none
  uint32_t sdk_version = 0;          // 10203 = 1.2.3
  uint32_t torch_version = 0;        // 211 = 2.11
  bool registers_operators = false;  // has a TORCH_LIBRARY block
  std::vector<ItemInfo> items;
};

// Throws Error with a plugin_* code of its own for each reason, which says what was found, what this program expects and what
// to do. The checks come in this order: trust (core/plugin/trust.h), ELF file, descriptor, layout epoch, SDK version, LibTorch
// version, C++ ABI, second copies of LibTorch or NCCL, manifest. The error's where() is `path` as given.
PluginFile read_plugin_file(const std::string& path);

// Returns "1.2.3" for 10203.
std::string sdk_version_text(uint32_t version);
// Returns "2.11" for 211.
std::string torch_version_text(uint32_t version);

}  // namespace gptcore
