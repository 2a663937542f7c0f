// Parses a verb's arguments by Boost.Program_options, with the spellings we add: --set K=V, --K=V and underscores for hyphens.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/config/overrides.h"
#include "gptcore/error.h"

namespace gptcore {

struct VerbOptions {
  boost::program_options::options_description visible;
  boost::program_options::options_description positional;  // declared here, ordered in `order`
  boost::program_options::positional_options_description order;
  bool overrides = false;  // takes --set K=V and --K=V
};

struct VerbArguments {
  boost::program_options::variables_map values;
  std::vector<Override> overrides;

  // Returns the option's value, or its type's empty one.
  template <class T> T get(const char* name) const { return values.count(name) ? values[name].as<T>() : T{}; }
};

// Throws Error(usage) with a suggestion for an unknown option.
VerbArguments parse_arguments(const VerbOptions& options, const std::vector<std::string>& arguments);
// Adds the line about overrides to the help, and lets the verb take them.
void take_overrides(VerbOptions& options);

// Returns the options of a verb that takes a pipeline file, --json and overrides.
VerbOptions pipeline_options();

// Returns the options that every verb takes, for help and completion; split_global() reads them.
VerbOptions global_options();

// The options that every verb takes, wherever they stand, and the verb.
struct GlobalArguments {
  std::vector<std::string> plugin_files;
  bool help = false, version = false;
  std::string error_format, color;  // "" when not given
  bool safe_mode = false, allow_insecure_plugins = false;
  std::string verb;                    // "" when none is given
  std::vector<std::string> arguments;  // the verb's own
  // The first mistake: Error(usage), also for a plugin together with --safe-mode; Error(plugin_bare_name) for a plugin without
  // a slash. The rest is read all the same, so that the mistake can be printed as --error-format and --color say.
  std::optional<Error> wrong;
};

GlobalArguments split_global(int argc, const char* const* argv);

}  // namespace gptcore
