// A pipeline file after parsing, overrides and checks: every table holds all its keys with values that fit their schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/options/stage_options.h"
#include "gptcore/schema.h"
#include "gptcore/value.h"

namespace gptcore {

// The `use` of the only [[logger]] of a pipeline that logs nowhere.
inline constexpr const char* kNoLogger = "none";

struct Location {
  std::string file;  // empty: not from a file
  uint32_t line = 0, column = 0;
  std::string text() const;  // "pipeline.toml:6:1", or "" when unknown
};

// The origin of one value.
enum class Source { default_value, file, command_line };
struct Origin {
  Source source = Source::default_value;
  Location location;     // for file
  std::string argument;  // for command_line: "--set train.learning_rate=3e-4"; for a default: "preset gpt2", or ""
  std::string text() const;
};

// One table of the file. `values` and `origins` run in parallel.
struct Section {
  std::string path;  // "run", "model", "adapter.0", "stage.train", "stage.train.operation.0", "logger.1"
  std::string use;   // the item's name; for a stage its kind; "" elsewhere
  Table values;      // defaults filled in, paths absolute, ${ENV} replaced
  std::vector<Origin> origins;
  Location location;  // of the table's header
  // Returns the place where the key's value was given, else the place of the table.
  std::string place_of(const std::string& key) const;
  // Sets the members of an options struct from the values.
  template <class T> T as() const {
    T object;
    schema_of<T>().assign(values, object);
    return object;
  }
};

struct StageConfig {
  std::string name;  // "train", or the key `name` of the table; unique
  std::string kind;  // a StageKind's name
  Section table;
  StageOptions options;             // the table's values, as options of that kind
  std::vector<Section> operations;  // of a train stage
  std::vector<Section> evaluators;  // of a train or evaluate stage
};

struct PipelineConfig {
  std::string file;  // absolute path of the pipeline file; "" when all came from the command line
  Section run;
  std::vector<std::string> plugin_files;  // [plugins].load and --plugin, absolute
  bool plugins_override = false;          // [plugins].override
  std::optional<Section> tokenizer;
  std::optional<Section> dataset;
  Section model;
  std::vector<Section> adapters;
  std::vector<StageConfig> stages;
  std::vector<Section> loggers;

  // Returns a complete pipeline file that loads to the same config from any folder (paths are absolute).
  std::string to_toml() const;
  // Returns the config once its model has weights: without model.init_from, whose source may no longer exist.
  PipelineConfig started() const;
};

}  // namespace gptcore
