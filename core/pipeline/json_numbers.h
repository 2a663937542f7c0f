// Writes and reads numbers in JSON. NaN and the infinities, which JSON cannot express, are the texts "nan", "inf" and "-inf".
#pragma once

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace gptcore {

inline nlohmann::ordered_json number_json(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  return number;
}

inline nlohmann::ordered_json number_json(const std::optional<double>& number) {
  return number ? number_json(*number) : nlohmann::ordered_json();
}

// Throws nlohmann's exceptions when `json` is neither a number nor one of the three texts.
inline double number_of(const nlohmann::ordered_json& json) {
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  return json.get<double>();
}

// Returns `if_null` for null, which up to format 6 stood for every number that is not finite.
inline double number_of(const nlohmann::ordered_json& json, double if_null) {
  return json.is_null() ? if_null : number_of(json);
}

}  // namespace gptcore
