// What fits on a terminal, for loggers and others that redraw a line there. Every function is [any thread] and throws nothing
// but std::bad_alloc.
#pragma once

#include <string>
#include <string_view>

namespace gptcore {

// The program's global option --color (auto | always | never) as an environment variable, so that plugins and child processes
// follow it too.
inline constexpr const char* kColorVariable = "GPTCORE_COLOR";
// Whether output is to be coloured. Unless --color decides: `terminal`, with NO_COLOR unset and TERM other than "dumb".
bool colors_wanted(bool terminal);

// The width of the terminal behind this file descriptor at this moment; 80 when there is none.
int terminal_columns(int file);
// The columns that UTF-8 text takes: two for a wide character, none for a combining one.
int columns_of(std::string_view text);
// The start of `text` that takes at most `columns`, cut between characters; control characters become '?'.
std::string fitted(std::string_view text, int columns);

}  // namespace gptcore
