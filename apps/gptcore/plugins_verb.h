// gptcore plugins ACTION ...: one function per action. `arguments` are those after the action.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/actions.h"
#include "core/plugin/catalog.h"
#include "gptcore/error.h"

namespace gptcore {

// Throws Error(usage) for an unknown action.
int plugins_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
const std::vector<Action>& plugins_actions();

// Reads plugin files without loading them. A refused plugin gets a line on standard error and makes the exit code 3.
int plugins_list(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_list_options();
// Throws Error(unknown_name) for an item that no plugin offers.
int plugins_info(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_info_options();
// Returns the names of all items that can be found.
std::vector<std::string> names_of_items();

std::vector<ItemInfo> by_kind_and_name(std::vector<ItemInfo> items);

// Writes the lock file of a pipeline's plugins beside it, or of all that can be found into the current folder.
int plugins_lock(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
VerbOptions plugins_lock_options();
// Describes these files and says whether they would load here. Throws ConfigErrors with the refusals.
int show_plugins(const std::vector<std::string>& plugin_files);

// Prints a line for each on standard error and returns their exit code, 0 when there are none.
int report_refused(const std::vector<Error>& refused);

}  // namespace gptcore
