// Where the test plugins are, and ways to spoil copies of them.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "gptcore/abi.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

namespace gptcore {

inline std::string fixture(const std::string& name) {
  return std::string(FIXTURES) + "/fixture_" + name + ".so";
}

// A copy of the plugin, rogue when none is named, changed by `change`.
inline std::string spoiled(const TempFolder& folder, const std::function<void(std::string& bytes)>& change,
                           const std::string& name = "rogue") {
  std::string bytes = read_raw(fixture(name));
  change(bytes);
  const auto path = folder.path / "spoiled.so";
  write_raw(path, bytes);
  return path.string();
}

// The same with a change of its descriptor.
inline std::string with_descriptor(const TempFolder& folder, const std::function<void(gptcore_descriptor& d)>& change) {
  return spoiled(folder, [&](std::string& bytes) {
    const size_t at = bytes.find(std::string("GPTCORE\0", 8));
    gptcore_descriptor d{};
    std::memcpy(&d, bytes.data() + at, sizeof d);
    change(d);
    std::memcpy(bytes.data() + at, &d, sizeof d);
  });
}

// Sets a variable for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

struct Answer {
  int status = 0;
  std::string text;  // standard output and standard error
};

// Runs a shell command.
inline Answer run(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  Answer answer;
  for (int c; (c = std::fgetc(pipe)) != EOF;) answer.text += static_cast<char>(c);
  answer.status = WEXITSTATUS(::pclose(pipe));
  return answer;
}

// What f throws.
inline std::optional<Error> error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return std::nullopt;
}

}  // namespace gptcore
