#include "gptcore/schema.h"

#include <algorithm>
#include <cmath>

namespace gptcore {
namespace {

std::string plain(double number) {
  const std::string text = to_toml(Value(number));
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string joined_choices(const ParamSpec& spec) {
  std::string out;
  for (const Choice& choice : spec.choices) out += (out.empty() ? "" : " | ") + choice.text;
  return out;
}

std::string bounds_text(const ParamSpec& spec) {
  if (spec.minimum && spec.maximum && !spec.minimum_open && !spec.maximum_open)
    return plain(*spec.minimum) + ".." + plain(*spec.maximum);
  std::string out;
  if (spec.minimum) out = (spec.minimum_open ? ">" : ">=") + plain(*spec.minimum);
  if (spec.maximum) out += std::string(out.empty() ? "" : " and ") + (spec.maximum_open ? "<" : "<=") + plain(*spec.maximum);
  return out;
}

std::string words_text(const ParamSpec& spec) {
  std::string out;
  for (const Word& word : spec.words) out += " or \"" + word.text + "\"";
  return out;
}

const char* with_article(Type type) {
  static constexpr const char* kTexts[] = {"a boolean",        "an integer",        "a float",         "a string",
                                           "a path",           "a list of strings", "a list of paths", "a list of integers",
                                           "a list of floats", "a table",           "any value"};
  return kTexts[static_cast<size_t>(type)];
}

// Returns the type of a list's elements, or the type itself when it is not a list.
Type element_type(Type type) {
  switch (type) {
    case Type::text_list:
      return Type::text;
    case Type::path_list:
      return Type::path;
    case Type::integer_list:
      return Type::integer;
    case Type::number_list:
      return Type::number;
    default:
      return type;
  }
}

bool has_type(Type type, const Value& value) {
  switch (type) {
    case Type::boolean:
      return value.is<bool>();
    case Type::integer:
      return value.is<int64_t>();
    case Type::number:
      return value.is<double>() || value.is<int64_t>();
    case Type::text:
    case Type::path:
      return value.is<std::string>();
    case Type::table:
      return value.is<Table>();
    case Type::any:
      return true;
    default:
      break;
  }
  if (!value.is<List>()) return false;
  const List& list = value.as<List>();
  return std::all_of(list.begin(), list.end(), [&](const Value& item) { return has_type(element_type(type), item); });
}

std::string shown(const Value& value) {
  constexpr size_t kLongest = 60;
  std::string text = to_toml(value);
  if (text.size() > kLongest) {
    size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a UTF-8 character
    text = text.substr(0, end) + "...";
  }
  return std::string(type_name(value)) + " " + text;
}

// Compares as long double, which holds every int64 exactly on the machines we build for.
bool within(const ParamSpec& spec, const Value& value) {
  if (value.is<double>() && !std::isfinite(value.as<double>())) return false;
  const long double number = value.is<int64_t>() ? static_cast<long double>(value.as<int64_t>()) : value.as<double>();
  if (spec.minimum && (spec.minimum_open ? number <= *spec.minimum : number < *spec.minimum)) return false;
  return !(spec.maximum && (spec.maximum_open ? number >= *spec.maximum : number > *spec.maximum));
}

// Returns what is wrong with one value of the right type; "" when nothing.
std::string range_misfit(const ParamSpec& spec, const Value& value) {
  if (value.is<List>()) {
    for (const Value& item : value.as<List>())
      if (std::string wrong = range_misfit(spec, item); !wrong.empty()) return wrong;
    return {};
  }
  if ((value.is<int64_t>() || value.is<double>()) && !within(spec, value)) {
    const std::string range = bounds_text(spec);
    const std::string unit = spec.unit.empty() ? "" : " " + spec.unit;
    return "expects " + (range.empty() ? "a finite number" : range + unit + words_text(spec)) + ", got " + to_toml(value);
  }
  if (value.is<std::string>() && !spec.choices.empty()) {
    const auto& all = spec.choices;
    const auto is_value = [&](const Choice& choice) { return choice.text == value.as<std::string>(); };
    if (std::none_of(all.begin(), all.end(), is_value))
      return "expects one of " + joined_choices(spec) + ", got " + to_toml(value);
  }
  return {};
}

template <class T> List list_of(const std::vector<T>& items) {
  return List(items.begin(), items.end());
}

template <class T> void from_list(const Value& v, std::vector<T>& out) {
  out.clear();
  for (const Value& item : v.as<List>()) detail::from_value(item, out.emplace_back());
}

}  // namespace

const char* type_name(Type type) {
  const std::string_view text = with_article(type);
  return text.data() + text.find(' ') + 1;
}

std::string range_text(const ParamSpec& spec) {
  if (!spec.choices.empty()) return "one of " + joined_choices(spec);
  const std::string bounds = bounds_text(spec);
  const std::string words = words_text(spec);
  return bounds.empty() && !words.empty() ? type_name(spec.type) + words : bounds + words;
}

const Word* word_of(const ParamSpec& spec, const Value& value) {
  if (!value.is<std::string>()) return nullptr;
  const auto found = std::find_if(spec.words.begin(), spec.words.end(),
                                  [&](const Word& word) { return word.text == value.as<std::string>(); });
  return found == spec.words.end() ? nullptr : &*found;
}

std::optional<Misfit> misfit(const ParamSpec& spec, const Value& value) {
  if (word_of(spec, value)) return std::nullopt;
  if (!has_type(spec.type, value))
    return Misfit{true, "expects " + std::string(with_article(spec.type)) + words_text(spec) + ", got " + shown(value)};
  if (value == spec.fallback) return std::nullopt;  // a default that means "off" may lie outside the range
  std::string wrong = range_misfit(spec, value);
  if (wrong.empty()) return std::nullopt;
  return Misfit{false, std::move(wrong)};
}

namespace detail {

Value to_value(bool v) {
  return v;
}
Value to_value(int64_t v) {
  return v;
}
Value to_value(double v) {
  return v;
}
Value to_value(const std::string& v) {
  return v;
}
Value to_value(const std::vector<std::string>& v) {
  return list_of(v);
}
Value to_value(const std::vector<int64_t>& v) {
  return list_of(v);
}
Value to_value(const std::vector<double>& v) {
  return list_of(v);
}
Value to_value(const Table& v) {
  return v;
}
Value to_value(const Value& v) {
  return v;
}

void from_value(const Value& v, bool& out) {
  out = v.as<bool>();
}
void from_value(const Value& v, int64_t& out) {
  out = v.as<int64_t>();
}
void from_value(const Value& v, double& out) {
  out = v.is<int64_t>() ? static_cast<double>(v.as<int64_t>()) : v.as<double>();
}
void from_value(const Value& v, std::string& out) {
  out = v.as<std::string>();
}
void from_value(const Value& v, std::vector<std::string>& out) {
  from_list(v, out);
}
void from_value(const Value& v, std::vector<int64_t>& out) {
  from_list(v, out);
}
void from_value(const Value& v, std::vector<double>& out) {
  from_list(v, out);
}
void from_value(const Value& v, Table& out) {
  out = v.as<Table>();
}
void from_value(const Value& v, Value& out) {
  out = v;
}

}  // namespace detail

}  // namespace gptcore
