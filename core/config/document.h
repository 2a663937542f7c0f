// A pipeline file as it was read: its tables with every key, value and place, before any schema is known.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config/config_errors.h"

namespace gptcore {

struct Entry {
  std::string key;
  Value value;    // ${ENV} replaced; empty when an error about it was reported
  Origin key_at;  // place of the key
  Origin origin;  // place of the value
};

struct RawTable {
  Origin header;
  std::vector<Entry> entries;  // in file order

  const Entry* find(const std::string& key) const;
  // Returns the text of that key, or "" when the key is absent or has no text.
  std::string text(const std::string& key) const;
  // Replaces or adds the entry.
  void set(Entry entry);
};

struct RawStage {
  RawTable table;  // with `kind` and `name`
  std::vector<RawTable> operations, evaluators;
};

struct Document {
  std::string shown;             // the file's name as the user wrote it; "" when there is no file
  std::filesystem::path folder;  // relative paths of the file count from here
  std::optional<RawTable> run, plugins, tokenizer, dataset, model;
  std::vector<RawStage> stages;
  std::vector<RawTable> adapters, loggers;
  std::vector<std::pair<std::string, Origin>> unknown;  // tables with unknown names

  // Returns the table of that name ("run", "model", ...), or null for another name.
  std::optional<RawTable>* named(const std::string& name);
};

// Throws ConfigErrors when the file cannot be read or is not TOML; keys outside tables and invalid tables go to `errors`.
Document read_document(const std::optional<std::string>& file, ErrorList& errors);
// Returns a value as written on the command line: TOML, else the text itself.
Value parse_value(const std::string& text);

}  // namespace gptcore
