// The thin program: reads the command line, finds the verb, and turns whatever is thrown into lines and an exit code.
#include <fcntl.h>
#include <poll.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <system_error>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/help.h"
#include "apps/gptcore/plugins_verb.h"
#include "apps/gptcore/verbs.h"
#include "core/base/message.h"
#include "core/config/config_errors.h"
#include "core/plugin/trust.h"
#include "gptcore/draft/terminal.h"
#include "gptcore/error.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

int dispatch(const GlobalArguments& global) {
  if (global.version) {
    std::printf("gptcore %s (SDK %d, LibTorch %s)\n", GPTCORE_VERSION, GPTCORE_SDK_VERSION, TORCH_VERSION);
    return 0;
  }
  if (global.verb.empty() && !global.help) {
    if (!global.plugin_files.empty()) return show_plugins(global.plugin_files);
    throw Error(Code::usage, "no verb", "gptcore --help lists them");
  }
  if (global.help) {
    const std::string action = global.arguments.empty() ? "" : global.arguments.front();
    std::fputs(help_on(global.verb, action.starts_with("-") ? "" : action).c_str(), stdout);
    return 0;
  }
  return find_verb(global.verb).run(global.arguments, global.plugin_files);
}

// Whether standard output is a pipe that nobody reads any more, as `| head` leaves it, or a terminal that was closed.
bool reader_is_gone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return std::ferror(stdout) && ::poll(&output, 1, 0) > 0 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

// As a process ends that SIGPIPE has killed: quietly.
constexpr int kReaderGone = 128 + SIGPIPE;

Error output_lost() {
  return Error(Code::io, "standard output cannot be written", "give it a file that can be written to, or /dev/null");
}

// What standard output lost (a full disk) is a failure too, where there is no other.
int flushed(int code) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return code;
  if (reader_is_gone()) return code == 0 ? kReaderGone : code;
  if (code == 0) throw output_lost();
  print_error(output_lost());
  return code;
}

// A file that is opened later must not get the number of a standard stream that is closed, for it would be written to as one.
// What is opened in its place can be neither read nor written, as the closed stream.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// So that libgptcore.so and child processes follow them too.
void put_into_environment(const GlobalArguments& global) {
  if (!global.error_format.empty()) ::setenv(kErrorFormatVariable, global.error_format.c_str(), 1);
  if (!global.color.empty()) ::setenv(kColorVariable, global.color.c_str(), 1);
  if (global.safe_mode) ::setenv(kSafeModeVariable, "1", 1);
  if (global.allow_insecure_plugins) ::setenv(kAllowInsecureVariable, "1", 1);
}

int guarded_main(int argc, char** argv) {
  const auto fail = [](const Error& error) {
    print_error(error);
    return exit_code(error.code());
  };
  try {
    const GlobalArguments global = split_global(argc, argv);
    put_into_environment(global);
    if (global.wrong) throw Error(*global.wrong);
    return flushed(dispatch(global));
  } catch (const ConfigErrors& e) {
    for (const Error& error : e.errors()) print_error(error);
    return exit_code(e.errors().front().code());
  } catch (const Error& e) {
    return fail(e);
  } catch (const std::bad_alloc&) {
    return fail(Error(Code::out_of_memory, "out of memory"));
  } catch (const std::system_error& e) {
    if (reader_is_gone()) return kReaderGone;
    return fail(std::ferror(stdout) ? output_lost() : Error(Code::internal, e.what()));
  } catch (const std::exception& e) {
    return fail(Error(Code::internal, e.what()));
  }
}

}  // namespace
}  // namespace gptcore

int main(int argc, char** argv) {
  gptcore::hold_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a write error too
  std::signal(SIGPIPE, SIG_IGN);  // a run goes on when nobody reads what it says
  const int code = gptcore::guarded_main(argc, argv);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return code;  // sanitizers report at exit
#else
  std::fflush(nullptr);
  ::_exit(code);  // LibTorch's exit handlers take 0.15 s and have nothing to save
#endif
}
