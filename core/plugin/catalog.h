// What is known about plugins without loading one: the items of every manifest on the search path, and the core's own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/plugin/optional_items.h"
#include "gptcore/registrar.h"

namespace gptcore {

// An item as its plugin's manifest describes it.
struct ItemInfo {
  Kind kind = Kind::tokenizer;
  std::string name, doc;
  std::vector<ParamSpec> params;
  std::string plugin, plugin_version;  // "core" for the core's own
  std::string file;                    // absolute path; "" for the core's own
  // Cross-field rules; set for the core's own items only (a plugin's run once it is loaded).
  Problems (*check)(const Table& params) = nullptr;
  EventSet events = 0;
  Effects effects = 0;
};

class Catalog {
 public:
  void add(ItemInfo item) { items_.push_back(std::move(item)); }
  // From now on the item's name means this one; what had it is found by "plugin:name" only.
  void add_over(ItemInfo item) { items_.insert(items_.begin(), std::move(item)); }
  const std::vector<ItemInfo>& items() const { return items_; }
  // Null when there is none. `name` may be plugin-qualified ("char:char").
  const ItemInfo* find(Kind kind, const std::string& name) const;
  std::vector<std::string> names(Kind kind) const;
  // How to get an item that this build left out; "" for any other.
  std::string how_to_get(Kind kind, const std::string& name) const;
  void set_optional(std::vector<OptionalItem> items) { optional_ = std::move(items); }

 private:
  std::vector<ItemInfo> items_;
  std::vector<OptionalItem> optional_;
};

}  // namespace gptcore
