// Runs the built program as a user does, and can send it a signal in the middle of its work.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace gptcore::test {

struct Command {
  std::vector<std::string> words;        // the program, then its arguments
  std::filesystem::path folder;          // working folder; empty: this one
  std::vector<std::string> environment;  // "NAME=value", besides this process's own
  double timeout = 60;                   // seconds until it is killed and the test fails
};

struct Outcome {
  int status = 0;  // exit status; 128 + N when signal N ended it
  std::string out, err;
  double seconds = 0;
};

// A running child. Destruction kills it.
class Process {
 public:
  explicit Process(const Command& command);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();
  // Returns when standard output holds `text`. Throws std::runtime_error when the child ends without it or time is up.
  void wait_for(const std::string& text);
  // The same of standard error.
  void wait_for_error(const std::string& text);
  void send(int signal) const;
  // Reads all it says until it ends.
  Outcome wait();

 private:
  void wait_for(const std::string& text, const std::string& stream);
  bool read_more();  // false when both streams have ended
  void check_time() const;

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  double started_ = 0, timeout_ = 0;
  std::string shown_;
  Outcome outcome_;
};

Outcome run(const Command& command);

}  // namespace gptcore::test
