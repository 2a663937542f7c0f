// gptcore plugins list [--json] | info NAME|KIND/NAME|FILE [--json|--toml]
#pragma once

#include <string>
#include <vector>

namespace gptcore {

// `arguments` are those after the verb. Reads plugin files without loading them and prints to standard output. Plugins that
// were refused get a line each on standard error and make the exit code 3. Throws Error(usage) for wrong arguments,
// Error(unknown_name) for an item that nobody offers.
int plugins_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
std::string plugins_help();

}  // namespace gptcore
