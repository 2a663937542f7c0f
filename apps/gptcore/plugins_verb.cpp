#include "apps/gptcore/plugins_verb.h"

#include "apps/gptcore/plugins_dev.h"
#include "apps/gptcore/plugins_new.h"
#include "apps/gptcore/plugins_test.h"
#include "core/base/message.h"

namespace gptcore {

const std::vector<Action>& plugins_actions() {
  static const std::vector<Action> all = {
      {"new", "NAME --kind KIND [--to DIR] [--json]", "a folder with a plugin that builds, passes its tests and runs",
       plugins_new_options, plugins_new},
      {"list", "[--json]", "what the installed plugins and those of --plugin offer", plugins_list_options, plugins_list},
      {"test", "FILE [options]", "whether the plugin keeps to what every plugin must", plugins_test_options, plugins_test},
      {"dev", "DIR [--once]", "build and test a plugin's folder at every change", plugins_dev_options, plugins_dev},
      {"info", "NAME|KIND/NAME|FILE|--all [--json|--toml|--markdown]",
       "every parameter of an item, of all items of a file, or of all", plugins_info_options, plugins_info, names_of_items},
      {"lock", "[PIPELINE.toml] [--to FILE] [--json]", "gptcore.lock: the plugins of a pipeline, or all, for run --locked",
       plugins_lock_options, plugins_lock},
  };
  return all;
}

int plugins_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  return run_action("plugins", plugins_actions(), arguments, plugin_files);
}

int report_refused(const std::vector<Error>& refused) {
  for (const Error& e : refused) print_error(e);
  return refused.empty() ? 0 : exit_code(refused.front().code());
}

}  // namespace gptcore
