#include "record.h"

#include "gptcore/error.h"

namespace gptcore::datasets {

nlohmann::json parse_record(std::string_view line) {
  nlohmann::json record;
  try {
    record = nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& e) {
    throw Error(Code::data_corrupt, "is not JSON at byte " + std::to_string(e.byte), "each line holds one JSON object");
  } catch (const nlohmann::json::out_of_range&) {
    throw Error(Code::data_corrupt, "holds a number that is too large", "mend the line");
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
  if (!found->is_string())
    throw Error(Code::data_corrupt, "the field '" + field + "' holds a " + found->type_name() + ", not a text",
                "name a field with text, or mend the line");
  return found->get_ref<const std::string&>();
}

}  // namespace gptcore::datasets
