// Parses a line of a JSON Lines file, with errors that a user can act on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gptcore::datasets {

// Throws Error(data_corrupt) without a place when the line is not a JSON object.
nlohmann::json parse_record(std::string_view line);
// Returns the text in that field. Throws Error(data_corrupt) when the field is not text, or is missing: then it names those
// that there are.
const std::string& text_in(const nlohmann::json& record, const std::string& field);

}  // namespace gptcore::datasets
