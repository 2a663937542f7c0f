#include "gptcore/draft/terminal.h"

#include <locale.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <cwchar>

namespace gptcore {
namespace {

// Sets a UTF-8 locale in this thread for its lifetime: wcwidth() knows wide characters only in such a locale, and the program's
// is "C".
class Utf8Locale {
 public:
  Utf8Locale() : before_(::uselocale(locale())) {}
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() { ::uselocale(before_); }

 private:
  static locale_t locale() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return utf8;  // null, where the system lacks it, leaves the locale as it is
  }
  locale_t before_;
};

struct Character {
  size_t bytes = 1;
  int columns = 1;
  bool printable = true;
};

Character first_of(std::string_view text) {
  wchar_t wide = 0;
  std::mbstate_t state{};
  const size_t bytes = std::mbrtowc(&wide, text.data(), text.size(), &state);
  if (bytes == 0 || bytes > text.size()) return {1, 1, static_cast<unsigned char>(text[0]) >= 0x20};
  const int columns = ::wcwidth(wide);
  return {bytes, std::max(columns, columns < 0 ? 1 : 0), columns >= 0};
}

bool is(const char* text, const char* wanted) {
  return text && std::strcmp(text, wanted) == 0;
}

bool is_set(const char* variable) {
  const char* text = std::getenv(variable);
  return text && *text;
}

}  // namespace

bool colors_wanted(bool terminal) {
  const char* asked = std::getenv(kColorVariable);
  if (is(asked, "always")) return true;
  return terminal && !is(asked, "never") && !is_set("NO_COLOR") && !is(std::getenv("TERM"), "dumb");
}

int terminal_columns(int file) {
  constexpr int kUsual = 80;
  winsize size{};
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

int columns_of(std::string_view text) {
  const Utf8Locale utf8;
  int columns = 0;
  while (!text.empty()) {
    const Character c = first_of(text);
    columns += c.columns;
    text.remove_prefix(c.bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, int columns) {
  const Utf8Locale utf8;
  std::string out;
  while (!text.empty()) {
    const Character c = first_of(text);
    if (c.columns > columns) break;
    columns -= c.columns;
    out += c.printable ? text.substr(0, c.bytes) : "?";
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace gptcore
