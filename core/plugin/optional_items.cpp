#include "core/plugin/optional_items.h"

#include <fstream>

#include "core/plugin/installation.h"

namespace gptcore {

std::vector<OptionalItem> optional_items() {
  std::vector<OptionalItem> out;
  std::ifstream in(installation_folder() + "/share/gptcore/optional_items");
  for (std::string line; std::getline(in, line);) {
    const size_t name = line.find('\t'), hint = line.find('\t', name + 1);
    if (name == std::string::npos || hint == std::string::npos) continue;
    out.push_back({line.substr(0, name), line.substr(name + 1, hint - name - 1), line.substr(hint + 1)});
  }
  return out;
}

}  // namespace gptcore
