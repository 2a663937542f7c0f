// The owner of a table of a pipeline declares the keys of the table: the core owns [run] and stages, a catalog item the others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/catalog.h"
#include "gptcore/error.h"

namespace gptcore {

struct Owner {
  std::string title;  // "operation 'lora'", "[run]", "a train stage"
  std::vector<ParamSpec> params;
  std::vector<std::string> reserved;  // keys read by the core: use, kind, name
  std::function<Problems(const Table&)> check;
  // Returns the defaults that the given keys imply; paths are absolute in `given`, and as the user wrote them in `written`.
  std::function<Preset(const Table& given, const Table& written)> preset;

  const ParamSpec* find(const std::string& key) const;
  // Returns all keys, for suggestions.
  std::vector<std::string> keys() const;
};

// A table of a pipeline file with the keys that the core itself reads there; an item's own keys are added to those.
struct CoreTable {
  std::string header;  // "[run]", "[[stage]] with kind = \"train\""
  std::string doc;
  std::vector<ParamSpec> params;
};

// Returns all tables, in the order of a pipeline file.
std::vector<CoreTable> core_tables();
// Returns the owner of the table at `path` ("run", "stage.train", "logger.0", ...), or none when there is no such item or kind.
// `use` is the item's name, or the kind of the stage.
std::optional<Owner> owner_of(const std::string& path, const std::string& use, const Catalog& catalog);
// Returns whether a setting ("run.name", "train.log_interval") changes neither the weights nor their course, as its owner's
// schema says. Settings of loggers never do.
bool is_cosmetic(const std::string& setting);
// Returns the kind of item that a table at `path` names by `use`, or none for "run", "plugins" and stages.
std::optional<Kind> item_kind(const std::string& path);

}  // namespace gptcore
