#include "apps/gptcore/plugins_verb.h"

#include <cstdio>

#include "apps/gptcore/plugins_dev.h"
#include "apps/gptcore/plugins_new.h"
#include "apps/gptcore/plugins_test.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

struct Action {
  const char *name, *form, *doc;
  int (*run)(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files);
};

const std::vector<Action>& actions() {
  static const std::vector<Action> all = {
      {"new", "NAME --kind KIND [--to DIR]", "a folder with a plugin that builds, passes its tests and runs", plugins_new},
      {"list", "[--json]", "what the installed plugins and those of --plugin offer", plugins_list},
      {"test",
       "FILE [--filter TEXT] [--set ITEM.KEY=VALUE] [--list] [--json] [--reproduce SEED] [--timeout SECONDS] [--in-process]",
       "whether the plugin keeps to what every plugin must", plugins_test},
      {"dev", "DIR [--once]", "build and test a plugin's folder at every change", plugins_dev},
      {"info", "NAME|KIND/NAME|FILE|--all [--json|--toml|--markdown]",
       "every parameter of an item, of all items of a file, or of all", plugins_info},
      {"lock", "[PIPELINE.toml] [--to FILE]", "gptcore.lock: the plugins of a pipeline, or all, for run --locked",
       plugins_lock},
  };
  return all;
}

}  // namespace

std::string plugins_help() {
  std::string out;
  for (const Action& action : actions()) {
    const std::string form = std::string("gptcore plugins ") + action.name + " " + action.form;
    out += form + "\n    " + action.doc + "\n";
  }
  return out;
}

int plugins_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const std::string name = arguments.empty() ? "" : arguments.front();
  std::vector<std::string> names;
  for (const Action& action : actions()) {
    if (action.name == name) return action.run({arguments.begin() + 1, arguments.end()}, plugin_files);
    names.push_back(action.name);
  }
  throw Error(Code::usage, name.empty() ? "plugins wants an action" : "plugins has no action '" + name + "'",
              did_you_mean(name, names, "there are " + listed(names)));
}

int report_refused(const std::vector<Error>& refused) {
  for (const Error& e : refused) std::fprintf(stderr, "%s\n", e.line().c_str());
  return refused.empty() ? 0 : exit_code(refused.front().code());
}

}  // namespace gptcore
