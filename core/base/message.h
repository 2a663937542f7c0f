// Formats the program's messages for standard error: lines of text, coloured on a terminal, or one JSON object a line.
#pragma once

#include <string>
#include <string_view>

#include "gptcore/error.h"
#include "gptcore/host.h"

namespace gptcore {

// The environment variable of this name holds the program's global option --error-format (text | json), so that libgptcore.so
// and child processes follow it too.
inline constexpr const char* kErrorFormatVariable = "GPTCORE_ERROR_FORMAT";
// The hint of every Error(internal).
inline constexpr const char* kBugHint = "this is a bug in gptcore; please report it with the command you ran";

struct MessageStyle {
  bool json = false, colors = false;
};
// Returns the style for standard error, by the global options and the terminal.
MessageStyle message_style();

// Each function returns text without a newline at its end.
std::string message_line(Level level, std::string_view text, const MessageStyle& style);
std::string error_line(const Error& error, const MessageStyle& style);
// Formats an error after which the program continues.
std::string warning_line(const Error& error, const MessageStyle& style);

// Print to standard error, in message_style().
void print_error(const Error& error);
void print_warning(const Error& error);

}  // namespace gptcore
