#include "core/config/config_errors.h"

#include <algorithm>
#include <tuple>

namespace gptcore {

ConfigErrors::ConfigErrors(std::vector<Error> errors) : errors_(std::move(errors)) {
  for (const Error& error : errors_) {
    if (!text_.empty()) text_ += '\n';
    text_ += error.line();
  }
}

void ErrorList::add(Code code, const std::string& message, const std::string& hint, const Origin& where) {
  const bool known = where.source != Source::default_value;
  found_.emplace_back(where, Error(code, message, hint, known ? where.text() : where.location.text()));
}

bool ErrorList::has(const Origin& where) const {
  return std::any_of(found_.begin(), found_.end(), [&](const auto& entry) { return entry.first.text() == where.text(); });
}

void ErrorList::throw_if_any() const {
  if (found_.empty()) return;
  auto sorted = found_;
  std::vector<std::string> files;
  for (const auto& [where, error] : found_)
    if (std::find(files.begin(), files.end(), where.location.file) == files.end()) files.push_back(where.location.file);
  const auto place = [&](const auto& entry) {
    const Origin& where = entry.first;
    const auto file = std::find(files.begin(), files.end(), where.location.file) - files.begin();
    return std::tuple(where.source == Source::command_line, file, where.location.line, where.location.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<Error> errors;
  for (auto& entry : sorted) errors.push_back(std::move(entry.second));
  throw ConfigErrors(std::move(errors));
}

}  // namespace gptcore
