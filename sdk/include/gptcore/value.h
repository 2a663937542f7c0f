// A configuration value. It has TOML's types, knows no position in a file, and may cross the plugin boundary.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace gptcore {

struct Value;
using List = std::vector<Value>;
using Table = std::vector<std::pair<std::string, Value>>;  // in file order

struct Value {
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Table> data;

  Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();
  Value(bool v) : data(v) {}
  Value(int v) : data(static_cast<int64_t>(v)) {}
  Value(int64_t v) : data(v) {}
  Value(double v) : data(v) {}
  Value(const char* v) : data(std::string(v)) {}
  Value(std::string v) : data(std::move(v)) {}
  Value(List v) : data(std::move(v)) {}
  Value(Table v) : data(std::move(v)) {}

  bool empty() const { return data.index() == 0; }
  template <class T> bool is() const { return std::holds_alternative<T>(data); }
  template <class T> const T& as() const { return std::get<T>(data); }
  bool operator==(const Value& other) const;
};

// Returns the value as TOML text: 3, 0.5, "a", [1, 2], { a = 1 }. Doubles round-trip. An empty value gives "".
std::string to_toml(const Value& value);
// Returns "boolean", "integer", "float", "string", "array" or "table".
const char* type_name(const Value& value);
// Returns the value of `key`, or nullptr.
const Value* find(const Table& table, const std::string& key);

}  // namespace gptcore
