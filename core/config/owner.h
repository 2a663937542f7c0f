// Who owns a table of a pipeline and so says which keys it has: the core for [run] and stages, a catalog item elsewhere.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/catalog.h"
#include "gptcore/error.h"

namespace gptcore {

// Values for keys that are not given, which one that is given stands for.
struct Preset {
  std::string key;     // that one: "preset"
  std::string origin;  // of the values: "preset gpt2"
  Table values;
  // What is to be done about a key that is given with another value than `own`, its value here; "" = it may have it.
  std::function<std::string(const std::string& key, const Value& given, const Value& own)> refusal;
  std::optional<Error> error;  // why there are none
};

struct Owner {
  std::string title;  // "operation 'lora'", "[run]", "a train stage"
  std::vector<ParamSpec> params;
  std::vector<std::string> reserved;  // keys read by the core: use, kind, name
  std::function<Problems(const Table&)> check;
  // By what the given keys say: with absolute paths, and as they are written.
  std::function<Preset(const Table& given, const Table& written)> preset;

  const ParamSpec* find(const std::string& key) const;
  // All keys, for suggestions.
  std::vector<std::string> keys() const;
};

const std::vector<std::string>& stage_kinds();

// A table of a pipeline file with the keys that the core itself reads there; an item's own keys come to those.
struct CoreTable {
  std::string header;  // "[run]", "[[stage]] with kind = \"train\""
  std::string doc;
  std::vector<ParamSpec> params;
};

// All of them, in the order of a pipeline file.
std::vector<CoreTable> core_tables();
// The owner of the table at `path` ("run", "stage.train", "logger.0", ...), whose `use` or stage kind is given. Absent
// when there is no such item or kind.
std::optional<Owner> owner_of(const std::string& path, const std::string& use, const Catalog& catalog);
// The kind of item that a table at `path` names by `use`; absent for "run", "plugins" and stages.
std::optional<Kind> item_kind(const std::string& path);

}  // namespace gptcore
