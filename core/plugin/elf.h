// Reads named sections of a shared library without loading it. The file is not trusted: every offset is checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

class ElfFile {
 public:
  // Throws Error when there is no such file (plugin_missing), or when it is not a 64-bit shared library of this machine's
  // architecture (plugin_is_directory, plugin_not_elf, plugin_truncated, plugin_architecture, plugin_no_descriptor).
  explicit ElfFile(const std::string& path);
  // Returns the section's bytes, or nothing when the file has no such section. Throws when it is truncated or beyond `limit`.
  std::optional<std::string> section(std::string_view name, uint64_t limit) const;

 private:
  struct Section {
    std::string name;
    uint64_t offset = 0, size = 0;
  };
  std::string path_;
  std::vector<Section> sections_;
};

}  // namespace gptcore
