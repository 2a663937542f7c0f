#include "apps/gptcore/actions.h"

#include <sstream>

#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {

const Action& find_action(const std::string& verb, const std::vector<Action>& actions, const std::string& name) {
  std::vector<std::string> names;
  for (const Action& action : actions) {
    if (action.name == name) return action;
    names.push_back(action.name);
  }
  throw Error(Code::usage, name.empty() ? verb + " expects an action" : verb + " has no action '" + name + "'",
              did_you_mean(name, names, "there are " + listed(names)));
}

std::string actions_help(const std::string& verb, const std::vector<Action>& actions) {
  std::string out;
  for (const Action& action : actions)
    out += "gptcore " + verb + " " + action.name + " " + action.form + "\n    " + action.doc + "\n";
  return out + "gptcore " + verb + " ACTION --help has the options of each.\n";
}

std::string action_help(const std::string& verb, const Action& action) {
  std::ostringstream out;
  out << "gptcore " << verb << " " << action.name << " " << action.form << "\n    " << action.doc << "\n"
      << action.options().visible;
  return out.str();
}

int run_action(const std::string& verb, const std::vector<Action>& actions, const std::vector<std::string>& arguments,
               const std::vector<std::string>& plugin_files) {
  const Action& action = find_action(verb, actions, arguments.empty() ? "" : arguments.front());
  return action.run({arguments.begin() + 1, arguments.end()}, plugin_files);
}

}  // namespace gptcore
