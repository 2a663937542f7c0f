#include "record.h"

#include <charconv>

#include "gptcore/error.h"

namespace gptcore::datasets {

namespace {

// Returns the number of the escape \uXXXX that begins at `at`; 0 when there is none.
uint32_t escaped(std::string_view line, size_t at) {
  if (at + 6 > line.size() || line.substr(at, 2) != "\\u") return 0;
  uint32_t number = 0;
  const char *begin = line.data() + at + 2, *end = begin + 4;
  return std::from_chars(begin, end, number, 16).ptr == end ? number : 0;
}

// Returns the place of the first escaped half of a surrogate pair without its other half; npos when there is none.
size_t find_lone_surrogate(std::string_view line) {
  constexpr size_t kEscape = 6;  // characters
  for (size_t at = line.find('\\'); at < line.size(); at = line.find('\\', at)) {
    const uint32_t half = escaped(line, at) >> 10, next = escaped(line, at + kEscape) >> 10;
    const bool first = half == 0xd800 >> 10, second = half == 0xdc00 >> 10;
    if (second || (first && next != 0xdc00 >> 10)) return at;
    at += first ? 2 * kEscape : 2;
  }
  return line.npos;
}

}  // namespace

nlohmann::json parse_record(std::string_view line) {
  nlohmann::json record;
  try {
    record = nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& e) {
    if (const size_t at = find_lone_surrogate(line); at != line.npos && at <= e.byte)
      throw Error(Code::data_corrupt,
                  "holds the lone surrogate " + std::string(line.substr(at, 6)) + " at byte " + std::to_string(at + 1) +
                      ": half of a character",
                  "fix this line");
    throw Error(Code::data_corrupt, "is not JSON at byte " + std::to_string(e.byte), "each line holds one JSON object");
  } catch (const nlohmann::json::out_of_range&) {
    throw Error(Code::data_corrupt, "holds a number that is too large", "fix this line");
  }
  if (!record.is_object())
    throw Error(Code::data_corrupt, std::string("holds a JSON ") + record.type_name() + ", not an object",
                "each line holds one JSON object, as {\"text\": \"...\"}");
  return record;
}

const std::string& text_in(const nlohmann::json& record, const std::string& field) {
  const auto found = record.find(field);
  if (found == record.end()) {
    std::string names;
    for (const auto& [name, value] : record.items())
      if (names.size() < 200) names += (names.empty() ? "'" : ", '") + name + "'";
    throw Error(Code::data_corrupt, "the object has no field '" + field + "'",
                names.empty() ? "it is empty" : "it has " + names + ": see dataset.text_field");
  }
  if (found->is_null()) throw Error(Code::data_corrupt, "the field '" + field + "' is null, not a text", "fix this line");
  if (!found->is_string())
    throw Error(Code::data_corrupt, "the field '" + field + "' holds a " + found->type_name() + ", not a text",
                "name a field with text, or fix this line");
  return found->get_ref<const std::string&>();
}

}  // namespace gptcore::datasets
