// Makes options of a verb from the schema of a stage's keys, so that their types, defaults, ranges and descriptions are
// written once: the key "top_k" is the option --top-k.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"
#include "gptcore/schema.h"

namespace gptcore {

class CliOptions {
 public:
  explicit CliOptions(const std::vector<ParamSpec>& keys);
  // Leaves a key out, which the verb does not take or declares itself.
  CliOptions& without(const std::string& key);
  // Leaves all other keys out.
  CliOptions& only(const std::vector<std::string>& keys);
  // Describes a key otherwise than the schema does: the form of its value, and its meaning without the default.
  CliOptions& describe(const std::string& key, std::string form, std::string doc);

  void add_to(VerbOptions& options) const;
  // Sets in `values` the keys whose options are given. Throws Error(out_of_range) when the schema does not take a value.
  void read(const VerbArguments& given, Table& values) const;

 private:
  struct Option {
    ParamSpec spec;
    std::string form, doc;
  };
  Option& find(const std::string& key);
  std::vector<Option> options_;
};

// Precondition of the methods above: the schema has the keys that they name.
template <class T> CliOptions cli_options(const Schema<T>& schema) {
  return CliOptions(schema.specs());
}

}  // namespace gptcore
