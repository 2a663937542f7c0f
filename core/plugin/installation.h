// Where this installation keeps its parts, for the program, for libgptcore.so, and for an author's test that loads it.
#pragma once

#include <string>

namespace gptcore {

// The folder of the running program's file.
std::string program_folder();
// The folder that holds bin/ and lib/: that of libgptcore*.so when this code is in it, else that of the program.
std::string installation_folder();
// Its plugins: lib/gptcore/plugins.
std::string installed_plugins_folder();
// Whether a file, given with links resolved, lies in that folder.
bool is_installed_plugin(const std::string& real_path);

}  // namespace gptcore
