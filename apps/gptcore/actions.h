// The actions of a verb, as in `gptcore plugins list`: how each is called, what it does, and the help on it.
#pragma once

#include <string>
#include <vector>

#include "apps/gptcore/command_line.h"

namespace gptcore {

struct Action {
  const char *name, *form, *doc;  // `form` follows the name
  VerbOptions (*options)();
  // `arguments` are those after the action.
  int (*run)(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
  std::vector<std::string> (*words)() = nullptr;  // what may stand in place of a file, for completion
};

// Throws Error(usage) with a suggestion for an action that `verb` lacks.
const Action& find_action(const std::string& verb, const std::vector<Action>& actions, const std::string& name);
// Returns the help on all actions: a line with the form and one with what each does.
std::string actions_help(const std::string& verb, const std::vector<Action>& actions);
// Returns the help on one: its form, what it does, its options.
std::string action_help(const std::string& verb, const Action& action);
// Runs the action that the first argument names.
int run_action(const std::string& verb, const std::vector<Action>& actions, const std::vector<std::string>& arguments,
               const std::vector<std::string>& plugin_files);

}  // namespace gptcore
