#include "apps/gptcore/help.h"

#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/verbs.h"

namespace gptcore {
namespace {

std::string help_on_program() {
  std::ostringstream out;
  out << "gptcore VERB [options]\n";
  for (const Verb& verb : verbs()) {
    std::string name = verb.name;
    name.resize(10, ' ');
    out << "  " << name << verb.doc << "\n";
  }
  out << "For every verb:\n"
      << global_options().visible
      << "gptcore help VERB, or gptcore VERB --help, has the verb's own options.\n"
         "gptcore --plugin FILE without a verb shows what the plugin offers and whether it would load.\n";
  return out.str();
}

}  // namespace

std::string help_on(const std::string& verb, const std::string& action) {
  if (verb.empty()) return help_on_program();
  const Verb& found = find_verb(verb);
  if (!found.actions) return found.help();
  if (action.empty()) return actions_help(verb, found.actions());
  return action_help(verb, find_action(verb, found.actions(), action));
}

}  // namespace gptcore
