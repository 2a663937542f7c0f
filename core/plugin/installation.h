// Finds the parts of this installation, for the program, for libgptcore.so, and for an author's test that loads libgptcore.so.
#pragma once

#include <string>

namespace gptcore {

// Returns the folder of the running program's file.
std::string program_folder();
// Returns the folder that holds bin/ and lib/: that of libgptcore*.so when this code is in it, else that of the program.
std::string installation_folder();
// Returns the folder of the installation's plugins, lib/gptcore/plugins.
std::string installed_plugins_folder();
// Returns whether a file, given with links resolved, lies in installed_plugins_folder().
bool is_installed_plugin(const std::string& real_path);

}  // namespace gptcore
