#include "tests/cli/terminal.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace gptcore::test {
namespace {

[[noreturn]] void become(const Command& command) {
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  for (const std::string& item : command.environment) ::putenv(const_cast<char*>(item.c_str()));
  if (command.folder.empty() || ::chdir(command.folder.c_str()) == 0) ::execvp(words[0], words.data());
  ::_exit(127);
}

// The line at the cursor and those above it.
struct Screen {
  size_t columns;
  std::vector<std::string> lines = {""};
  size_t at = 0;  // column of the cursor

  void put(char c) {
    if (at == columns) {
      lines.emplace_back();
      at = 0;
    }
    if (lines.back().size() <= at) lines.back().resize(at + 1, ' ');
    lines.back()[at++] = c;
  }
};

}  // namespace

std::vector<std::string> screen_of(const std::string& bytes, size_t columns) {
  Screen screen{columns};
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\r') {
      screen.at = 0;
    } else if (bytes[i] == '\n') {
      screen.lines.emplace_back();  // a terminal gets \r before it
    } else if (bytes[i] == '\x1b') {
      const size_t end = bytes.find_first_not_of("[0123456789;", i + 1);
      if (end == bytes.npos) break;
      if (bytes[end] == 'K') screen.lines.back().resize(std::min(screen.lines.back().size(), screen.at));
      i = end;
    } else {
      screen.put(bytes[i]);
    }
  }
  return screen.lines;
}

int run_until_terminal_goes(const Command& command, const std::string& text) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child < 0) throw std::runtime_error("no terminal can be made");
  if (child == 0) become(command);
  std::string shown;
  char piece[1 << 14];
  while (shown.find(text) == shown.npos) {
    const ssize_t got = ::read(terminal, piece, sizeof piece);
    if (got <= 0) break;
    shown.append(piece, static_cast<size_t>(got));
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

TerminalOutcome run_on_terminal(const Command& command, unsigned short columns) {
  TerminalOutcome outcome;
  const winsize size{24, columns, 0, 0};
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child < 0) throw std::runtime_error("no terminal can be made");
  if (child == 0) become(command);
  const auto start = std::chrono::steady_clock::now();
  char piece[1 << 14];
  while (true) {
    pollfd ready{terminal, POLLIN, 0};
    if (::poll(&ready, 1, 50) > 0) {
      const ssize_t got = ::read(terminal, piece, sizeof piece);
      if (got <= 0) break;  // EIO: the program has ended
      outcome.bytes.append(piece, static_cast<size_t>(got));
    }
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > command.timeout) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      ::close(terminal);
      throw std::runtime_error("still running: " + outcome.bytes);
    }
  }
  ::close(terminal);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  outcome.screen = screen_of(outcome.bytes, columns);
  return outcome;
}

}  // namespace gptcore::test
