#include "apps/gptcore/plugins_dev.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/folder_watch.h"
#include "core/plugin/plugin_file.h"
#include "gptcore/error.h"

extern char** environ;

namespace gptcore {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

// Runs a program in the foreground and returns its exit status; 128 + N when signal N ended it.
int run_program(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);
  pid_t child = 0;
  if (const int wrong = ::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ); wrong != 0)
    throw Error(Code::usage, "cannot start " + words[0] + ": " + std::strerror(wrong),
                "install it, and see that it is in PATH");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool is_plugin(const fs::path& file) {
  try {
    static_cast<void>(read_plugin_file(file.string()));
    return true;
  } catch (const Error& error) {
    // A refused plugin is still a plugin: testing it says why.
    return fs::path(file).filename().string().find("gptcore") == std::string::npos && error.code() == Code::plugin_refused;
  }
}

// Returns the plugins that a build folder holds, by path.
std::vector<fs::path> plugins_in(const fs::path& build) {
  std::vector<fs::path> found;
  std::error_code none;
  for (fs::recursive_directory_iterator it(build, none), end; it != end; it.increment(none)) {
    if (it->path().filename() == "CMakeFiles") it.disable_recursion_pending();
    if (it->path().extension() == ".so" && it->is_regular_file(none) && is_plugin(it->path())) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Developer {
 public:
  explicit Developer(const fs::path& folder)
      : folder_(folder), build_(folder / "build"), program_(fs::read_symlink("/proc/self/exe")) {}

  // Builds, tests each plugin, and trains by the folder's own pipeline file. Each part is a new process, because a loaded
  // plugin stays loaded. Returns the first exit code that is not 0.
  int round() const {
    if (const int code = build()) return say("the build failed", code);
    const auto plugins = plugins_in(build_);
    if (plugins.empty()) return say("the build made no plugin in " + build_.string(), exit_code(Code::plugin_missing));
    for (const fs::path& plugin : plugins)
      if (const int code = run_program({program_, "plugins", "test", plugin.string()}))
        return say("the plugin's tests failed", code);
    if (const int code = train(plugins)) return say("the run of pipeline.toml failed", code);
    return say("all is well", 0);
  }

 private:
  int build() const {
    if (!fs::exists(build_ / "CMakeCache.txt"))
      if (const int code = run_program({"cmake", "-S", folder_, "-B", build_, "-DCMAKE_BUILD_TYPE=Release"})) return code;
    return run_program({"cmake", "--build", build_});
  }

  int train(const std::vector<fs::path>& plugins) const {
    const fs::path pipeline = folder_ / "pipeline.toml";
    if (!fs::exists(pipeline)) return 0;
    std::vector<std::string> words = {program_};
    for (const fs::path& plugin : plugins) words.insert(words.end(), {"--plugin", plugin.string()});
    words.insert(words.end(), {"run", pipeline, "--max_iters=20", "--set", "run.out_dir=" + (build_ / "dev_run").string(),
                               "--resume", "never", "--overwrite"});
    std::error_code none;
    fs::remove_all(build_ / "dev_run", none);
    return run_program(words);
  }

  static int say(const std::string& text, int code) {
    std::printf("gptcore: dev: %s\n", text.c_str());
    std::fflush(stdout);
    return code;
  }

  fs::path folder_, build_;
  std::string program_;
};

}  // namespace

VerbOptions plugins_dev_options() {
  VerbOptions options;
  options.visible.add_options()("once", po::bool_switch(), "one round, and no waiting for changes");
  options.positional.add_options()("folder", po::value<std::string>());
  options.order.add("folder", 1);
  return options;
}

int plugins_dev(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  const VerbArguments given = parse_arguments(plugins_dev_options(), arguments);
  const auto name = given.get<std::string>("folder");
  if (name.empty() || !fs::is_regular_file(fs::path(name) / "CMakeLists.txt"))
    throw Error(Code::usage, "plugins dev expects a plugin's folder, one with a CMakeLists.txt",
                "gptcore plugins new NAME --kind KIND makes one", name);
  const fs::path folder = fs::canonical(name);
  const Developer developer(folder);
  if (given.get<bool>("once")) return developer.round();
  FolderWatch watch(folder);
  while (true) {
    developer.round();
    std::printf("gptcore: dev: waiting for a change in %s; ctrl-C ends\n", folder.c_str());
    std::fflush(stdout);
    watch.wait();
  }
}

}  // namespace gptcore
