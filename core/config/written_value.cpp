#include "core/config/written_value.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "core/config/document.h"
#include "core/config/near_misses.h"

namespace gptcore {
namespace {

constexpr double kExact = 9007199254740992;  // 2^53: a double holds every whole number up to it exactly

// Reads a decimal number of any form that Python takes.
std::optional<double> python_number(const std::string& text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto is_digit = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    if (c == '_' && i > 0 && is_digit(i - 1) && is_digit(i + 1)) continue;
    if (c == '+' && i == 0) continue;
    if (std::string("0123456789.eE+-").find(c) == std::string::npos) return std::nullopt;
    digits += c;
  }
  double number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

bool is_number(Type type) {
  return type == Type::integer || type == Type::number;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

}  // namespace

Value as_declared(Type type, const Value& value) {
  if (type == Type::number && value.is<int64_t>()) return static_cast<double>(value.as<int64_t>());
  if (type == Type::integer && value.is<double>()) {
    const double number = value.as<double>();
    if (std::trunc(number) == number && std::abs(number) <= kExact) return static_cast<int64_t>(number);
  }
  const bool list = (type == Type::number_list || type == Type::integer_list) && value.is<List>();
  if (!list) return value;
  List out;
  for (const Value& item : value.as<List>())
    out.push_back(as_declared(type == Type::number_list ? Type::number : Type::integer, item));
  return out;
}

Value written_value(const ParamSpec& spec, const std::string& text) {
  if (spec.type == Type::boolean && (text == "True" || text == "False")) return text == "True";
  Value value = parse_value(text);
  if ((spec.type == Type::text || spec.type == Type::path) && !value.is<std::string>()) value = text;
  if (!value.is<std::string>()) return as_declared(spec.type, value);
  if (is_number(spec.type))
    if (const auto number = python_number(text)) return as_declared(spec.type, *number);
  return choice_called(value.as<std::string>(), spec);
}

std::string toml_hint(const std::string& line, size_t column) {
  const size_t equals = line.find('=');
  if (equals == std::string::npos || equals + 1 > column) return {};
  std::string value = trimmed(line.substr(equals + 1, line.find('#', equals) - equals - 1));
  if (value == "True" || value == "False") return "write " + std::string(value == "True" ? "true" : "false");
  if (value == "None" || value == "null") return "leave the key out";
  if (const auto number = python_number(value)) return "write " + to_toml(*number);
  const bool word = !value.empty() && value.find_first_of("\"'[]{},=") == std::string::npos;
  return word ? "write a text in quotes: " + to_toml(value) : "";
}

}  // namespace gptcore
