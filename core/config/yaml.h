// Reads YAML, and so JSON, as values with places: the core schema of YAML 1.2, and the numbers and Infinity that Python writes.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "core/config/config_errors.h"

namespace gptcore {

// Returns the text's only document. When the text has none or several, adds an error and returns an undefined node.
YAML::Node parse_yaml(const std::string& text, const std::string& shown, ErrorList& errors);
Origin yaml_origin(const YAML::Mark& mark, const std::string& shown);
// Returns an empty value for null. Throws Error(wrong_type) without a place for anything that no Value can hold: null in a list
// or map, keys that are not text or are given twice, more than a few levels or a great many values, custom tags.
Value yaml_value(const YAML::Node& node);

}  // namespace gptcore
