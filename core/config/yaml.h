// YAML, and so JSON, as values with places: the core schema of YAML 1.2, and the numbers and Infinity that Python writes.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "core/config/config_errors.h"

namespace gptcore {

// The text's only document; when it has none or another, that goes to `errors` and the node is undefined.
YAML::Node parse_yaml(const std::string& text, const std::string& shown, ErrorList& errors);
Origin yaml_origin(const YAML::Mark& mark, const std::string& shown);
// Empty for null. Throws Error(wrong_type) without a place for what no Value can hold: null in a list or map, keys that are no
// texts or stand twice, more than a few levels or a great many values, tags of one's own.
Value yaml_value(const YAML::Node& node);

}  // namespace gptcore
