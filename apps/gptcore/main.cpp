// The thin program: reads the command line, finds the verb, and turns whatever is thrown into lines and an exit code.
#include <torch/headeronly/version.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <nlohmann/json.hpp>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/plugins_verb.h"
#include "apps/gptcore/verbs.h"
#include "core/config/config_errors.h"
#include "core/plugin/trust.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

void print_error(const Error& error, bool as_json) {
  if (!as_json) {
    std::fprintf(stderr, "%s\n", error.line().c_str());
    return;
  }
  char code[16];
  std::snprintf(code, sizeof code, "GC%03d", static_cast<int>(error.code()));
  const nlohmann::ordered_json object = {
      {"code", code}, {"where", error.where()}, {"message", error.what()}, {"hint", error.hint()}};
  std::fprintf(stderr, "%s\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

std::string help() {
  std::string out = "gptcore VERB [options]\n";
  for (const Verb& verb : verbs())
    out += "  " + std::string(verb.name) + std::string(10 - std::string(verb.name).size(), ' ') + verb.doc + "\n";
  return out +
         "For every verb:\n"
         "  --plugin FILE              a plugin beyond the installed ones; may be given more than once\n"
         "  --safe-mode                installed plugins only: none of --plugin, [plugins].load or GPTCORE_PLUGIN_PATH\n"
         "  --allow-insecure-plugins   also plugin files that other users may change\n"
         "  --error-format text|json   how errors are printed on standard error\n"
         "  --help                     help on the verb\n"
         "gptcore --plugin FILE without a verb shows what the plugin offers and whether it would load.\n"
         "gptcore --version prints the version.\n";
}

const Verb& find_verb(const std::string& name) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return verb;
    names.push_back(verb.name);
  }
  throw Error(Code::usage, "no verb '" + name + "'", did_you_mean(name, names, "there are " + listed(names)));
}

int dispatch(const GlobalArguments& global) {
  if (global.version) {
    std::printf("gptcore %s (SDK %d, LibTorch %s)\n", GPTCORE_VERSION, GPTCORE_SDK_VERSION, TORCH_VERSION);
    return 0;
  }
  if (global.verb.empty()) {
    if (!global.help && !global.plugin_files.empty()) return show_plugins(global.plugin_files);
    if (!global.help) throw Error(Code::usage, "no verb", "gptcore --help lists them");
    std::fputs(help().c_str(), stdout);
    return 0;
  }
  const Verb& verb = find_verb(global.verb);
  if (global.help && !verb.help) return verb.run({"--help"}, {});
  if (global.help) {
    std::fputs(verb.help().c_str(), stdout);
    return 0;
  }
  return verb.run(global.arguments, global.plugin_files);
}

// What standard output lost (a full disk) is a failure too.
int flushed(int code) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return code;
  throw Error(Code::io, "standard output cannot be written");
}

int guarded_main(int argc, char** argv) {
  bool as_json = false;
  const auto fail = [&](const Error& error) {
    print_error(error, as_json);
    return exit_code(error.code());
  };
  try {
    const GlobalArguments global = split_global(argc, argv);
    as_json = global.json_errors;
    if (global.safe_mode) ::setenv(kSafeModeVariable, "1", 1);
    if (global.allow_insecure_plugins) ::setenv(kAllowInsecureVariable, "1", 1);
    return flushed(dispatch(global));
  } catch (const ConfigErrors& e) {
    for (const Error& error : e.errors()) print_error(error, as_json);
    return exit_code(e.errors().front().code());
  } catch (const Error& e) {
    return fail(e);
  } catch (const std::bad_alloc&) {
    return fail(Error(Code::out_of_memory, "out of memory"));
  } catch (const std::exception& e) {
    return fail(Error(Code::internal, e.what(), "this is a mistake of gptcore"));
  }
}

}  // namespace
}  // namespace gptcore

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a write error too
  std::signal(SIGPIPE, SIG_IGN);  // a closed reader is a write error, reported as such
  return gptcore::guarded_main(argc, argv);
}
