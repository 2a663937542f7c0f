// Implements with_completed(): the text is changed at the entry's place, then read again to check that nothing else changed.
#include "core/config/operations_file.h"
#include "core/config/yaml.h"

namespace gptcore {
namespace {

[[noreturn]] void refuse(size_t index, const std::string& why) {
  throw Error(Code::config_syntax, "entry " + std::to_string(index + 1) + " of the operations file " + why, {});
}

std::vector<YAML::Node> entries_of(const std::string& text, size_t index) {
  ErrorList errors;
  YAML::Node list = parse_yaml(text, {}, errors);
  if (errors.empty() && list.IsMap()) list.reset(list["operations"]);
  if (!errors.empty() || !list.IsSequence() || index >= list.size() || !list[index].IsMap()) refuse(index, "no longer exists");
  return {list.begin(), list.end()};
}

std::string changed(const std::string& text, const YAML::Node& entry) {
  std::string out = text;
  const size_t start = text.starts_with("\xef\xbb\xbf") ? 3 : 0;  // positions do not count the byte order mark
  const YAML::Node old = entry["completed"];
  const size_t place = start + static_cast<size_t>(old.IsDefined() ? old.Mark().pos : entry.Mark().pos);
  if (place >= out.size()) return out;
  if (old.IsDefined()) return out.replace(place, old.IsScalar() ? old.Scalar().size() : 0, "true");
  if (entry.Style() == YAML::EmitterStyle::Flow) return out.insert(place + 1, "\"completed\": true, ");
  return out.insert(place, "completed: true\n" + std::string(static_cast<size_t>(entry.Mark().column), ' '));
}

// Returns every entry's keys and values, except `completed` of entry `index`.
List others(const std::vector<YAML::Node>& entries, size_t index) {
  List out;
  for (size_t i = 0; i < entries.size(); ++i) {
    Table keys;
    for (const auto& pair : entries[i])
      if (i != index || pair.first.Scalar() != "completed") keys.emplace_back(pair.first.Scalar(), yaml_value(pair.second));
    out.emplace_back(std::move(keys));
  }
  return out;
}

}  // namespace

std::string with_completed(const std::string& text, size_t index) {
  const std::vector<YAML::Node> before = entries_of(text, index);
  std::string out = changed(text, before[index]);
  const std::vector<YAML::Node> after = entries_of(out, index);
  const YAML::Node completed = after[index]["completed"];
  const bool marked = completed.IsDefined() && yaml_value(completed) == Value(true);
  if (!marked || !(others(after, index) == others(before, index))) refuse(index, "cannot be marked");
  return out;
}

}  // namespace gptcore
