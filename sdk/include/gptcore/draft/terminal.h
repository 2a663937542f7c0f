// Draft: helpers for loggers that redraw a line on a terminal. Every function may be called on [any thread] and throws only
// std::bad_alloc.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

// The environment variable that passes the option --color (auto | always | never) to plugins and child processes.
inline constexpr const char* kColorVariable = "GPTCORE_COLOR";
// Returns whether to colour output. With --color=auto: `terminal`, unless NO_COLOR is set or TERM is "dumb".
bool colors_wanted(bool terminal);

// Returns the current width of the terminal behind a file descriptor, or 80 when it is no terminal.
int terminal_columns(int file);
// Returns the number of columns that UTF-8 text takes: two for a wide character, none for a combining one.
int columns_of(std::string_view text);
// Returns the start of `text` that takes at most `columns`, cut between characters. Control characters become '?'.
std::string fitted(std::string_view text, int columns);

}  // namespace gptcore
