#include "jsonl.h"

#include "record.h"

namespace gptcore::datasets {

void Jsonl::schema(Schema<Jsonl>& s) {
  add_schema(s);
  s.param("text_field", &Jsonl::text_field_, "field of each object that holds the document");
}

Document Jsonl::parse(std::string_view line) const {
  const nlohmann::json record = parse_record(line);
  return {{text_in(record, text_field_), std::nullopt, true}};
}

}  // namespace gptcore::datasets
