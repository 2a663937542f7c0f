// Lists the items of every plugin manifest on the search path, and the core's own. No plugin is loaded for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin/optional_items.h"
#include "gptcore/error.h"
#include "gptcore/registrar.h"

namespace gptcore {

// Defaults that another key implies: preset = "gpt2" implies n_layer = 12, n_head = 12 and so on.
struct Preset {
  std::string key;     // the key that implies them: "preset"
  std::string origin;  // the origin of the values, as shown: "preset gpt2"
  Table values;
  // Returns what to do about a key whose given value differs from its implied value `own`; "" = the given value is allowed.
  std::function<std::string(const std::string& key, const Value& given, const Value& own)> refusal;
  std::optional<Error> error;  // why there are no values, or why they contradict a preset
};

// An item as its plugin's manifest describes it.
struct ItemInfo {
  Kind kind = Kind::tokenizer;
  std::string name, doc;
  std::vector<ParamSpec> params;
  std::string plugin, plugin_version;  // "core" for the core's own
  std::string file;                    // absolute path; "" for the core's own
  // The rules over several parameters. Set for the core's own items only: a plugin's rules run once it is loaded.
  Problems (*check)(const Table& params) = nullptr;
  // Returns the defaults that the given keys imply; paths are absolute in `given`, and as the user wrote them in `written`. Set
  // for the core's own items only.
  Preset (*preset)(const Table& given, const Table& written) = nullptr;
  // Returns the names of the tokenizers that a run with these checked values opens besides its own. Set for the core's own
  // items only.
  std::vector<std::string> (*tokenizers)(const Table& values) = nullptr;
  EventSet events = 0;
  Effects effects = 0;
};

class Catalog {
 public:
  void add(ItemInfo item) { items_.push_back(std::move(item)); }
  // Gives the name of `item` to it; an earlier item of that name is then found by "plugin:name" only.
  void add_over(ItemInfo item) { items_.insert(items_.begin(), std::move(item)); }
  const std::vector<ItemInfo>& items() const { return items_; }
  // Returns the item, or null when there is none. `name` may be plugin-qualified ("char:char").
  const ItemInfo* find(Kind kind, const std::string& name) const;
  std::vector<std::string> names(Kind kind) const;
  // Returns how to get an item that this build left out, or "" for any other item.
  std::string how_to_get(Kind kind, const std::string& name) const;
  void set_optional(std::vector<OptionalItem> items) { optional_ = std::move(items); }

 private:
  std::vector<ItemInfo> items_;
  std::vector<OptionalItem> optional_;
};

}  // namespace gptcore
