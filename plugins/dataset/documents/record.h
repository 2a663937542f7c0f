// A line of a JSON Lines file as an object, with errors that a user can act on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gptcore::datasets {

// Throws Error(data_corrupt) without a place when the line is no JSON object.
nlohmann::json parse_record(std::string_view line);
// The text in that field. Throws Error(data_corrupt) when it is missing, naming those that there are, or no text.
const std::string& text_in(const nlohmann::json& record, const std::string& field);

}  // namespace gptcore::datasets
