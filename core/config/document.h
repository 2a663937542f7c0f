// A pipeline file as read: its tables with every key, value and place, before any schema is known.
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
  Origin key_at;  // where the key stands
  Origin origin;  // where the value stands
};

struct RawTable {
  Origin header;
  std::vector<Entry> entries;  // in file order

  const Entry* find(const std::string& key) const;
  // The text of that key, or "" when it is absent or no text.
  std::string text(const std::string& key) const;
  // Replaces or adds.
  void set(Entry entry);
};

struct RawStage {
  RawTable table;  // with `kind` and `name`
  std::vector<RawTable> operations, evaluators;
};

struct Document {
  std::string shown;             // the file as the user wrote it; "" when there is none
  std::filesystem::path folder;  // relative paths of the file count from here
  std::optional<RawTable> run, plugins, tokenizer, dataset, model;
  std::vector<RawStage> stages;
  std::vector<RawTable> adapters, loggers;
  std::vector<std::pair<std::string, Origin>> unknown;  // tables of no such name

  // The table of that name ("run", "model", ...), or null for another name.
  std::optional<RawTable>* named(const std::string& name);
};

// Throws ConfigErrors when the file cannot be read or is not TOML; keys outside tables and ill-formed tables go to `errors`.
Document read_document(const std::optional<std::string>& file, ErrorList& errors);
// A value as written on the command line: TOML, else the text itself.
Value parse_value(const std::string& text);

}  // namespace gptcore
