#include "core/base/message.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "gptcore/draft/terminal.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kBold = "\x1b[1m", *kRed = "\x1b[1;31m", *kYellow = "\x1b[1;33m", *kPlain = "\x1b[0m";

std::string colored(const char* color, const std::string& text, const MessageStyle& style) {
  return style.colors ? color + text + kPlain : text;
}

std::string dumped(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_of(const Error& error, const char* level) {
  char code[16];
  std::snprintf(code, sizeof code, "GC%03d", static_cast<int>(error.code()));
  return dumped(
      {{"level", level}, {"code", code}, {"where", error.where()}, {"message", error.what()}, {"hint", error.hint()}});
}

// "where: error[GC102]: message; hint" with the place bold and the code in the error's color.
std::string colored_line(const Error& error, const char* color, const MessageStyle& style) {
  const std::string line = error.line();
  const size_t code = line.find("error[GC", error.where().size()), end = line.find("]:", code);
  if (!style.colors || code == line.npos || end == line.npos) return line;
  return colored(kBold, line.substr(0, code), style) + colored(color, line.substr(code, end + 2 - code), style) +
         line.substr(end + 2);
}

void print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stderr);
}

}  // namespace

MessageStyle message_style() {
  const char* format = std::getenv(kErrorFormatVariable);
  const bool json = format && std::strcmp(format, "json") == 0;
  return {json, !json && colors_wanted(::isatty(STDERR_FILENO) == 1)};
}

std::string message_line(Level level, std::string_view text, const MessageStyle& style) {
  const char* const name = level == Level::warning ? "warning" : level == Level::debug ? "debug" : "info";
  if (style.json) return dumped({{"level", name}, {"message", text}});
  std::string line = "gptcore: ";
  if (level == Level::warning) line += colored(kYellow, "warning:", style) + " ";
  if (level == Level::debug) line += "debug: ";
  return line.append(text);
}

std::string error_line(const Error& error, const MessageStyle& style) {
  if (error.code() == Code::internal && error.hint().empty())
    return error_line(Error(error.code(), error.what(), kBugHint, error.where()), style);
  return style.json ? json_of(error, "error") : colored_line(error, kRed, style);
}

std::string warning_line(const Error& error, const MessageStyle& style) {
  return style.json ? json_of(error, "warning") : message_line(Level::warning, error.line(), style);
}

void print_error(const Error& error) {
  print(error_line(error, message_style()));
}

void print_warning(const Error& error) {
  print(warning_line(error, message_style()));
}

}  // namespace gptcore
