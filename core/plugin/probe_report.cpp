#include "core/plugin/probe_report.h"

#include <nlohmann/json.hpp>

namespace gptcore {
namespace {

using Json = nlohmann::json;

std::string line(std::string_view word, const Json& fact) {
  return std::string(word) + " " + fact.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

void take(const std::string& word, const Json& fact, ProbeReport& out) {
  if (word == "stage") {
    out.stage = fact.at("name").get<std::string>();
    return;
  }
  if (word != "ok" && word != "refused" && word != "threw") return;
  out.text = fact.at("text").get<std::string>();
  if (word == "refused") {
    out.code = static_cast<Code>(fact.at("code").get<int>());
    out.hint = fact.at("hint").get<std::string>();
  }
  out.result = word;
}

}  // namespace

std::string stage_line(std::string_view stage) {
  return line("stage", {{"name", stage}});
}

std::string ok_line(std::string_view manifest) {
  return line("ok", {{"text", manifest}});
}

std::string refused_line(const Error& error) {
  return line("refused", {{"code", static_cast<int>(error.code())}, {"text", error.what()}, {"hint", error.hint()}});
}

std::string threw_line(std::string_view what) {
  return line("threw", {{"text", what}});
}

ProbeReport parse_report(std::string_view text) {
  ProbeReport out;
  for (size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    const std::string_view whole = text.substr(0, end);
    const size_t space = whole.find(' ');
    if (space == whole.npos) continue;
    const Json fact = Json::parse(whole.substr(space + 1), nullptr, /*allow_exceptions=*/false);
    try {
      take(std::string(whole.substr(0, space)), fact, out);
    } catch (const Json::exception&) {
      continue;
    }
  }
  return out;
}

}  // namespace gptcore
