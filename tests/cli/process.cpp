#include "tests/cli/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace gptcore::test {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void make_pipe(int (&ends)[2]) {
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe2: ") + std::strerror(errno));
}

[[noreturn]] void become(const Command& command, int out, int err) {
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  for (const std::string& item : command.environment) ::putenv(const_cast<char*>(item.c_str()));
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) ::signal(signal, SIG_DFL);  // however the tests were started
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (command.folder.empty() || ::chdir(command.folder.c_str()) == 0) ::execvp(words[0], words.data());
  ::_exit(127);
}

// Appends what is there; closes the stream at its end.
void drain(int& stream, std::string& text) {
  char piece[1 << 14];
  const ssize_t got = ::read(stream, piece, sizeof piece);
  if (got > 0) {
    text.append(piece, static_cast<size_t>(got));
  } else if (got == 0 || errno != EINTR) {
    ::close(stream);
    stream = -1;
  }
}

}  // namespace

Process::Process(const Command& command) : started_(now()), timeout_(command.timeout) {
  for (const std::string& word : command.words) shown_ += (shown_.empty() ? "" : " ") + word;
  int out[2], err[2];
  make_pipe(out);
  make_pipe(err);
  pid_ = ::fork();
  if (pid_ == 0) become(command, out[1], err[1]);
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

bool Process::read_more() {
  pollfd streams[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};  // poll skips a stream of -1
  if (out_ < 0 && err_ < 0) return false;
  constexpr int kMilliseconds = 50;
  if (::poll(streams, 2, kMilliseconds) > 0) {
    if (streams[0].revents) drain(out_, outcome_.out);
    if (streams[1].revents) drain(err_, outcome_.err);
  }
  check_time();
  return true;
}

void Process::check_time() const {
  if (now() - started_ > timeout_)
    throw std::runtime_error("still running after " + std::to_string(timeout_) + " s: " + shown_ + "\n" + outcome_.out +
                             outcome_.err);
}

void Process::wait_for(const std::string& text) {
  wait_for(text, outcome_.out);
}

void Process::wait_for_error(const std::string& text) {
  wait_for(text, outcome_.err);
}

void Process::wait_for(const std::string& text, const std::string& stream) {
  while (stream.find(text) == std::string::npos)
    if (!read_more())
      throw std::runtime_error("ended without saying '" + text + "': " + shown_ + "\n" + outcome_.out + outcome_.err);
}

void Process::send(int signal) const {
  ::kill(pid_, signal);
}

Outcome Process::wait() {
  while (read_more()) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  outcome_.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  outcome_.seconds = now() - started_;
  return outcome_;
}

Outcome run(const Command& command) {
  return Process(command).wait();
}

}  // namespace gptcore::test
