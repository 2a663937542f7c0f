#include "apps/gptcore/param_tables.h"

#include <sstream>

#include "apps/gptcore/text_table.h"

namespace gptcore {
namespace {

// Returns the default as a user would write it: the word for a number that has one.
std::string default_text(const ParamSpec& p) {
  for (const Word& word : p.words)
    if (p.fallback == Value(static_cast<int64_t>(word.number)) || p.fallback == Value(word.number))
      return to_toml(Value(word.text));
  return to_toml(p.fallback);
}

std::vector<std::string> param_row(const ParamSpec& p) {
  const std::string standard = p.required ? "required" : p.fallback.empty() ? "not set" : "default " + default_text(p);
  std::string range = p.choices.empty() ? range_text(p) : "";
  if (!p.choices.empty()) range = "one of " + std::to_string(p.choices.size());
  return {p.name, std::string(type_name(p.type)) + (p.unit.empty() ? "" : " (" + p.unit + ")"), standard, range, p.doc};
}

// Returns a text for a cell of a Markdown table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

std::string markdown_row(const ParamSpec& p) {
  const std::string standard = p.required ? "required" : p.fallback.empty() ? "not set" : "`" + default_text(p) + "`";
  std::string doc = p.doc;
  for (const Choice& c : p.choices) doc += "<br>`" + to_toml(Value(c.text)) + "`" + (c.doc.empty() ? "" : ": " + c.doc);
  const std::string type = type_name(p.type) + (p.unit.empty() ? "" : " (" + p.unit + ")");
  const std::string range = p.choices.empty() ? range_text(p) : "one of these";
  std::string row = "|";
  for (const std::string& text : {"`" + p.name + "`", type, standard, range, doc}) row += " " + cell(text) + " |";
  return row + "\n";
}

}  // namespace

std::string type_text(const ParamSpec& param) {
  const bool path = param.type == Type::path || param.type == Type::path_list;
  return type_name(param.type) + (param.unit.empty() ? "" : (path ? ", " : " of ") + param.unit);
}

std::string params_text(const std::vector<ParamSpec>& params) {
  std::vector<std::vector<std::string>> rows;
  for (const ParamSpec& p : params) rows.push_back(param_row(p));
  std::istringstream lines(aligned(rows, "  "));
  std::string out, line;
  for (const ParamSpec& p : params) {
    std::getline(lines, line);
    out += line + "\n";
    for (const Choice& c : p.choices) out += "      " + to_toml(Value(c.text)) + (c.doc.empty() ? "" : "  " + c.doc) + "\n";
  }
  return out;
}

std::string params_markdown(const std::vector<ParamSpec>& params) {
  std::string out = "| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
  for (const ParamSpec& p : params) out += markdown_row(p);
  return out;
}

}  // namespace gptcore
