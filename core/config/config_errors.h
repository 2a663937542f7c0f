// Collects all errors of a pipeline, so that they are reported at once.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "core/config/pipeline_config.h"
#include "gptcore/error.h"

namespace gptcore {

// Holds at least one error, file by file and in the order of places; errors of the command line come last.
class ConfigErrors : public std::exception {
 public:
  explicit ConfigErrors(std::vector<Error> errors);
  const std::vector<Error>& errors() const noexcept { return errors_; }
  // Returns the lines of all errors.
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::vector<Error> errors_;
  std::string text_;
};

class ErrorList {
 public:
  void add(Code code, const std::string& message, const std::string& hint, const Origin& where);
  bool empty() const { return found_.empty(); }
  size_t size() const { return found_.size(); }
  // Returns whether there is an error at that place.
  bool has(const Origin& where) const;
  // Throws ConfigErrors when there are any.
  void throw_if_any() const;

 private:
  std::vector<std::pair<Origin, Error>> found_;
};

}  // namespace gptcore
