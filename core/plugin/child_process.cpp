#include "core/plugin/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace gptcore {
namespace {

constexpr size_t kKeep = 1 << 16;
constexpr double kPoll = 0.02;  // seconds between checks of a child that closed its streams but lives

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The two ends of a pipe, which the destructor closes; -1 = closed.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
      read = ends[0];
      write = ends[1];
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(read);
    close(write);
  }
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  int read = -1, write = -1;
};

// Returns 0 or an errno. The child leads a process group of its own, so that processes it starts can be killed with it.
int spawn(const std::vector<std::string>& words, const Pipe& out, const Pipe& err, pid_t& child) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  sigset_t none, defaults;
  ::sigemptyset(&none);
  ::sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM}) ::sigaddset(&defaults, signal);

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out.write, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, err.write, STDERR_FILENO);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  const int failed = ::posix_spawn(&child, arguments[0], &files, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return failed;
}

// Appends the available bytes, up to kKeep in all; closes the end when the stream has ended. Returns whether bytes came.
bool drain(int& end, std::string& text) {
  std::array<char, 1 << 13> piece{};
  const ssize_t got = ::read(end, piece.data(), piece.size());
  if (got > 0) text.append(piece.data(), std::min(static_cast<size_t>(got), kKeep - std::min(kKeep, text.size())));
  if (got == 0 || (got < 0 && errno != EINTR)) Pipe::close(end);
  return got > 0;
}

// Reads without waiting for EOF: a grandchild may keep the pipe open for long.
void drain_rest(int& end, std::string& text) {
  for (pollfd stream = {end, POLLIN, 0}; end >= 0 && ::poll(&stream, 1, 0) > 0;)
    if (!drain(end, text)) return;
}

}  // namespace

ChildOutcome run_child(const std::vector<std::string>& words, const std::function<double(std::string_view out)>& limit) {
  ChildOutcome result;
  Pipe out, err;
  pid_t child = -1;
  if (const int failed = out.read < 0 || err.read < 0 ? errno : spawn(words, out, err, child); failed != 0) {
    result.err = std::strerror(failed);
    return result;
  }
  result.started = true;
  Pipe::close(out.write);
  Pipe::close(err.write);

  double deadline = now() + limit({});
  int ended = 0;  // wait status
  for (bool gone = false; !gone;) {
    std::array<pollfd, 2> streams = {{{out.read, POLLIN, 0}, {err.read, POLLIN, 0}}};  // poll() skips a stream of -1
    const double wait = std::min(deadline - now(), out.read < 0 || err.read < 0 ? kPoll : 1.0);
    ::poll(streams.data(), streams.size(), std::max(0, static_cast<int>(wait * 1000) + 1));
    if (streams[0].revents != 0 && drain(out.read, result.out)) deadline = now() + limit(result.out);
    if (streams[1].revents != 0) drain(err.read, result.err);
    gone = ::waitpid(child, &ended, WNOHANG) == child;
    if (!gone && now() >= deadline) {
      result.timed_out = true;
      ::kill(-child, SIGKILL);
      while (::waitpid(child, &ended, 0) < 0 && errno == EINTR) {
      }
      gone = true;
    }
  }
  drain_rest(out.read, result.out);  // written right before its end
  drain_rest(err.read, result.err);
  result.signal = WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
  result.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0;
  return result;
}

}  // namespace gptcore
