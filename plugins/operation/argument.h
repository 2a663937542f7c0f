// Reads arguments that may be written in several ways: as one `value`, or as parameters with names.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "gptcore/error.h"
#include "gptcore/schema.h"

namespace gptcore::operations {

inline std::optional<double> number_in(const Value& value) {
  if (value.is<int64_t>()) return static_cast<double>(value.as<int64_t>());
  if (value.is<double>() && std::isfinite(value.as<double>())) return value.as<double>();
  return std::nullopt;
}

// Returns the elements of a list that are all of one type; nothing for anything else.
template <class T> std::optional<std::vector<T>> list_in(const Value& value) {
  if (!value.is<List>()) return std::nullopt;
  std::vector<T> out;
  for (const Value& item : value.as<List>()) {
    if (!item.is<T>()) return std::nullopt;
    out.push_back(item.as<T>());
  }
  return out;
}

[[noreturn]] inline void refuse_value(const std::string& expects, const Value& got) {
  throw Error(Code::wrong_type, "'value' expects " + expects + ", got " + type_name(got) + " " + to_toml(got));
}

// For a schema's check(): reports an Error of `read` as a problem of `key`.
template <class F> void check_argument(Problems& found, const char* key, F&& read) {
  try {
    read();
  } catch (const Error& e) {
    found.push_back({key, e.what(), e.hint()});
  }
}

}  // namespace gptcore::operations
