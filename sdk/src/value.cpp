#include "gptcore/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace gptcore {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

std::string number_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  const double size = std::abs(number);
  const bool short_enough = number == 0 || (size >= 1e-5 && size < 1e9);  // else with an exponent
  const auto format = short_enough ? std::chars_format::fixed : std::chars_format::scientific;
  char buffer[48];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, number, format).ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";  // else TOML reads an integer
  return text;
}

struct ToToml {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return number_text(v); }
  std::string operator()(const std::string& v) const { return quoted(v); }
  std::string operator()(const List& v) const {
    std::string out;
    for (const Value& item : v) out += (out.empty() ? "" : ", ") + to_toml(item);
    return "[" + out + "]";
  }
  std::string operator()(const Table& v) const {
    std::string out;
    for (const auto& [key, item] : v)
      if (!item.empty()) out += (out.empty() ? " " : ", ") + key_text(key) + " = " + to_toml(item);
    return out.empty() ? "{}" : "{" + out + " }";
  }
};

}  // namespace

Value::Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

bool Value::operator==(const Value& other) const {
  return data == other.data;
}

std::string to_toml(const Value& value) {
  return std::visit(ToToml{}, value.data);
}

const char* type_name(const Value& value) {
  static constexpr const char* kNames[] = {"nothing", "boolean", "integer", "float", "string", "array", "table"};
  return kNames[value.data.index()];
}

const Value* find(const Table& table, const std::string& key) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == key; });
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace gptcore
