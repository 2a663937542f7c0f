#include "core/model/structure.h"

#include <utility>

namespace gptcore {

std::string adapter_prefix(const AdapterInfo& adapter) {
  return adapter.layer + "." + adapter.item + ".";
}

void put(Table& table, const std::string& key, Value value) {
  for (auto& [name, old] : table)
    if (name == key) {
      old = std::move(value);
      return;
    }
  table.emplace_back(key, std::move(value));
}

void put_all(Table& table, const Table& values) {
  for (const auto& [key, value] : values) put(table, key, value);
}

}  // namespace gptcore
