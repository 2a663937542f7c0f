// Writes structs as JSON objects and reads them again, by a list of their fields that stands in one place. The list of a
// struct T is a function  list_fields(fields, object),  which names each member with its key:
//
//   fields.required("step", object.step);   reading fails without the key
//   fields.optional("saves", object.saves); without the key, which older versions did not write, the member keeps its default
//
// NaN and the infinities, which JSON cannot express, are the texts "nan", "inf" and "-inf".
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/config/document.h"
#include "gptcore/value.h"

namespace gptcore {

class FieldWriter;
class FieldReader;

template <class T>
concept HasFields = requires(FieldWriter& fields, const T& object) {
  list_fields(fields, object);
};

// to_field() returns the JSON of a member, from_field() sets the member from it. from_field() throws nlohmann's exceptions when
// the JSON is of another form.
inline nlohmann::ordered_json to_field(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return number;
}

// Null stood up to format 6 for every number that is not finite: the default of a member that is not finite by default, else
// NaN.
inline void from_field(const nlohmann::ordered_json& json, double& number) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
  if (json.is_null())
    number = std::isfinite(number) ? kNan : number;
  else if (json == "nan")
    number = kNan;
  else if (json == "inf" || json == "-inf")
    number = json == "inf" ? kInfinity : -kInfinity;
  else
    json.get_to(number);
}

// A table is an object of TOML texts, in the table's order.
inline nlohmann::ordered_json to_field(const Table& table) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [key, value] : table) json[key] = to_toml(value);
  return json;
}

inline void from_field(const nlohmann::ordered_json& json, Table& table) {
  table.clear();
  for (const auto& [key, value] : json.items()) table.emplace_back(key, parse_value(value.get<std::string>()));
}

template <class T> nlohmann::ordered_json to_field(const T& plain) {
  return plain;
}
template <class T> void from_field(const nlohmann::ordered_json& json, T& plain) {
  json.get_to(plain);
}
template <HasFields T> nlohmann::ordered_json to_field(const T& object);
template <HasFields T> void from_field(const nlohmann::ordered_json& json, T& object);

// An absent member is null.
template <class T> nlohmann::ordered_json to_field(const std::optional<T>& member) {
  return member ? to_field(*member) : nlohmann::ordered_json();
}
template <class T> void from_field(const nlohmann::ordered_json& json, std::optional<T>& member) {
  member.reset();
  if (!json.is_null()) from_field(json, member.emplace());
}

template <HasFields T> nlohmann::ordered_json to_field(const std::vector<T>& objects) {
  auto json = nlohmann::ordered_json::array();
  for (const T& object : objects) json.push_back(to_field(object));
  return json;
}
template <HasFields T> void from_field(const nlohmann::ordered_json& json, std::vector<T>& objects) {
  objects.clear();
  for (const auto& object : json) from_field(object, objects.emplace_back());
}

class FieldWriter {
 public:
  explicit FieldWriter(nlohmann::ordered_json& json) : json_(json) {}
  template <class T> void required(const char* key, const T& member) { json_[key] = to_field(member); }
  template <class T> void optional(const char* key, const T& member) { required(key, member); }
  // Writes no key for an absent member.
  template <class T> void if_known(const char* key, const std::optional<T>& member) {
    if (member) required(key, *member);
  }
  // Writes the keys of a table in their alphabetical order.
  void sorted(const char* key, const Table& table) { required(key, to_field(table).get<std::map<std::string, std::string>>()); }
  // Writes null for infinity.
  void unless_infinite(const char* key, double number) {
    required(key, number == std::numeric_limits<double>::infinity() ? std::nullopt : std::optional(number));
  }

 private:
  nlohmann::ordered_json& json_;
};

// Reads what FieldWriter has written, into objects that have their defaults.
class FieldReader {
 public:
  explicit FieldReader(const nlohmann::ordered_json& json) : json_(json) {}
  template <class T> void required(const char* key, T& member) { from_field(json_.at(key), member); }
  template <class T> void optional(const char* key, T& member) {
    if (json_.contains(key)) required(key, member);
  }
  template <class T> void if_known(const char* key, std::optional<T>& member) { optional(key, member); }
  void sorted(const char* key, Table& table) { required(key, table); }
  void unless_infinite(const char* key, double& number) { required(key, number); }

 private:
  const nlohmann::ordered_json& json_;
};

template <HasFields T> nlohmann::ordered_json to_field(const T& object) {
  nlohmann::ordered_json json;
  FieldWriter fields(json);
  list_fields(fields, object);
  return json;
}

template <HasFields T> void from_field(const nlohmann::ordered_json& json, T& object) {
  FieldReader fields(json);
  list_fields(fields, object);
}

}  // namespace gptcore
