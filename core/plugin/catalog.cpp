#include "core/plugin/catalog.h"

#include <algorithm>

namespace gptcore {

const ItemInfo* Catalog::find(Kind kind, const std::string& name) const {
  const size_t colon = name.find(':');
  const std::string plugin = colon == std::string::npos ? "" : name.substr(0, colon);
  const std::string bare = colon == std::string::npos ? name : name.substr(colon + 1);
  const auto found = std::find_if(items_.begin(), items_.end(), [&](const ItemInfo& item) {
    return item.kind == kind && item.name == bare && (plugin.empty() || item.plugin == plugin);
  });
  return found == items_.end() ? nullptr : &*found;
}

std::vector<std::string> Catalog::names(Kind kind) const {
  std::vector<std::string> out;
  for (const ItemInfo& item : items_)
    if (item.kind == kind && std::find(out.begin(), out.end(), item.name) == out.end()) out.push_back(item.name);
  return out;
}

std::string Catalog::how_to_get(Kind kind, const std::string& name) const {
  if (find(kind, name)) return {};
  for (const OptionalItem& item : optional_)
    if (item.kind == name_of(kind) && item.name == name) return item.hint;
  return {};
}

}  // namespace gptcore
