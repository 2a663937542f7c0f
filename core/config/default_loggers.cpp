#include "core/config/default_loggers.h"

#include <algorithm>

namespace gptcore {

void add_default_loggers(Document& document, const std::vector<std::string>& names, const Catalog& catalog) {
  if (!document.loggers.empty()) return;
  for (const std::string& name : names)
    if (catalog.find(Kind::logger, name)) document.loggers.push_back({{}, {{"use", name, {}, {}}}});
}

void take_no_logger(Document& document, ErrorList& errors) {
  auto& tables = document.loggers;
  const auto is_none = [](const RawTable& table) { return table.text("use") == kNoLogger; };
  const auto none = std::find_if(tables.begin(), tables.end(), is_none);
  if (none == tables.end()) return;
  if (tables.size() > 1)
    errors.add(Code::conflict, "a logger is \"none\", and there are others", "leave it out, or the others",
               none->find("use")->origin);
  for (const Entry& entry : none->entries)
    if (entry.key != "use")
      errors.add(Code::unknown_key, "logger 'none' has no parameter '" + entry.key + "'", "leave it out", entry.key_at);
  std::erase_if(tables, is_none);
}

void refuse_alike(const std::vector<Section>& loggers, const std::vector<RawTable>& tables, ErrorList& errors) {
  for (size_t i = 0; i < loggers.size(); ++i)
    for (size_t before = 0; before < i; ++before)
      if (!loggers[i].use.empty() && loggers[before].use == loggers[i].use && loggers[before].values == loggers[i].values) {
        errors.add(Code::conflict,
                   "logger '" + loggers[i].use + "' repeats the one at " + tables[before].header.text() +
                       ": every record would be written twice",
                   "leave one of them out", tables[i].header);
        break;
      }
}

}  // namespace gptcore
