// Who owns a table of a pipeline and so says which keys it has: the core for [run] and stages, a catalog item elsewhere.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/catalog.h"

namespace gptcore {

struct Owner {
  std::string title;  // "operation 'lora'", "[run]", "a train stage"
  std::vector<ParamSpec> params;
  std::vector<std::string> reserved;  // keys read by the core: use, kind, name
  std::function<Problems(const Table&)> check;
  // Values for keys that are not given, by what the given ones say, and their origin's name ("preset gpt2").
  std::function<Table(const Table&, std::string& origin)> preset;

  const ParamSpec* find(const std::string& key) const;
  // All keys, for suggestions.
  std::vector<std::string> keys() const;
};

const std::vector<std::string>& stage_kinds();
// The owner of the table at `path` ("run", "stage.train", "logger.0", ...), whose `use` or stage kind is given. Absent
// when there is no such item or kind.
std::optional<Owner> owner_of(const std::string& path, const std::string& use, const Catalog& catalog);
// The kind of item that a table at `path` names by `use`; absent for "run", "plugins" and stages.
std::optional<Kind> item_kind(const std::string& path);

}  // namespace gptcore
