#include "testkit/case_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <utility>

#include "core/plugin/sudden_end.h"
#include "gptcore/error.h"
#include "testkit/tiny_run.h"

namespace gptcore {
namespace {

constexpr const char* kOutputName = "gptcore-case";
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) text.replace(at, 1, "; ");
  return text;
}

std::string read_all(int file) {
  std::string text;
  char piece[4096];
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(file, piece, sizeof piece, at);
    if (got <= 0) return text;
    text.append(piece, static_cast<size_t>(got));
    at += got;
  }
}

// Returns what report_sudden_ends() said, without its mark; "" when it said nothing.
std::string fault_line(const std::string& printed) {
  const std::string mark = "error[GC202]: ";
  std::istringstream lines(printed);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(mark); at != std::string::npos) return line.substr(at + mark.size());
  return "";
}

std::string last_line(const std::string& printed) {
  std::istringstream lines(printed);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) last = line;
  return last;
}

std::string signal_text(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

// Returns how a child ended that brought no verdict.
std::string end_text(int status, const std::string& printed) {
  if (const std::string fault = fault_line(printed); !fault.empty()) return fault;
  const std::string last = last_line(printed);
  const std::string how = WIFSIGNALED(status) ? "crashed (" + signal_text(WTERMSIG(status)) + ")"
                                              : "ended the process with status " + std::to_string(WEXITSTATUS(status));
  return last.empty() ? how : how + ": " + last;
}

struct Pipe {
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(Code::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  int ends[2] = {-1, -1};
};

[[noreturn]] void be_child(const std::function<void()>& body, int output, int result) {
  ::setpgid(0, 0);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  report_sudden_ends();
  const Verdict verdict = run_here(body);
  std::fflush(nullptr);
  const std::string message = std::string(1, static_cast<char>('0' + static_cast<int>(verdict.result))) + verdict.reason + '\n';
  for (size_t done = 0; done < message.size();) {
    const ssize_t put = ::write(result, message.data() + done, message.size() - done);
    if (put <= 0) ::_exit(1);
    done += static_cast<size_t>(put);
  }
  ::_exit(0);  // LibTorch's exit handlers have nothing to do for this process
}

// Returns what the child says, up to its newline; truncated when the child ends or time is up.
std::string read_message(int from, Clock::time_point until) {
  std::string message;
  while (message.empty() || message.back() != '\n') {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd ready{from, POLLIN, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(std::min<int64_t>(left, 1000))) < 0) break;
    if (ready.revents == 0) continue;
    char piece[4096];
    const ssize_t got = ::read(from, piece, sizeof piece);
    if (got <= 0) break;
    message.append(piece, static_cast<size_t>(got));
  }
  return message;
}

Verdict verdict_of(const std::string& message) {
  return {static_cast<Result>(message[0] - '0'), message.substr(1, message.size() - 2), 0};
}

}  // namespace

Verdict run_here(const std::function<void()>& body) {
  const auto start = Clock::now();
  Verdict verdict;
  const auto end = [&](Result result, const std::string& reason) { verdict = {result, one_line(reason), 0}; };
  try {
    body();
  } catch (const CaseSkipped& skipped) {
    end(Result::skipped, skipped.what());
  } catch (const std::exception& failure) {
    end(Result::failed, failure_text(failure));
  }
  verdict.ms = ms_since(start);
  return verdict;
}

Verdict run_in_child(const std::function<void()>& body, double seconds) {
  std::fflush(nullptr);
  const auto start = Clock::now();
  const int output = ::memfd_create(kOutputName, MFD_CLOEXEC);
  Pipe result;
  const pid_t child = ::fork();
  if (child < 0) throw Error(Code::io, std::string("cannot start a process: ") + std::strerror(errno));
  if (child == 0) be_child(body, output, result.ends[1]);

  ::close(std::exchange(result.ends[1], -1));
  const auto until = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const std::string message = read_message(result.ends[0], until);
  const bool whole = !message.empty() && message.back() == '\n';
  int status = 0;
  bool over = false;
  // A child that has closed its pipe is about to end.
  while (!(over = ::waitpid(child, &status, WNOHANG) == child) && Clock::now() < until) ::usleep(200);
  ::kill(-child, SIGKILL);
  if (!over) ::waitpid(child, &status, 0);

  Verdict verdict;
  if (whole)
    verdict = verdict_of(message);
  else if (!over)
    verdict = {Result::failed, "hung: stopped after " + std::to_string(static_cast<int64_t>(seconds)) + " s", 0};
  else
    verdict = {Result::failed, end_text(status, read_all(output)), 0};
  ::close(output);
  verdict.ms = ms_since(start);
  return verdict;
}

std::string printed_so_far() {
  std::error_code none;
  const std::string target = std::filesystem::read_symlink("/proc/self/fd/2", none).string();
  if (!target.starts_with("/memfd:" + std::string(kOutputName))) return {};
  std::fflush(nullptr);
  return read_all(STDERR_FILENO);
}

}  // namespace gptcore
