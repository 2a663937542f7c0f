// Runs a shell command and keeps what it says.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace gptcore {

struct Answer {
  int status = 0;
  std::string text;  // standard output and standard error
};

inline Answer run_command(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  Answer answer;
  for (int c; (c = std::fgetc(pipe)) != EOF;) answer.text += static_cast<char>(c);
  answer.status = WEXITSTATUS(::pclose(pipe));
  return answer;
}

}  // namespace gptcore
