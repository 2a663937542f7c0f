#include "core/base/message.h"

#include <nlohmann/json.hpp>

#include "gptcore/draft/terminal.h"
#include "tests/unit/base/environment.h"

#include "tests/catch.h"

using namespace gptcore;
using nlohmann::json;

namespace {

const Error kError(Code::unknown_key, "no key 'sed'", "did you mean 'seed'?", "a.toml:3:1");

}  // namespace

TEST_CASE("as text, a message says who speaks and an error where, what and what to do") {
  CHECK(message_line(Level::info, "resuming", {}) == "gptcore: resuming");
  CHECK(message_line(Level::warning, "a spike", {}) == "gptcore: warning: a spike");
  CHECK(error_line(kError, {}) == "a.toml:3:1: error[GC102]: no key 'sed'; did you mean 'seed'?");
  CHECK(warning_line(kError, {}) == "gptcore: warning: a.toml:3:1: error[GC102]: no key 'sed'; did you mean 'seed'?");
}

TEST_CASE("as JSON, every message is one object on one line, whatever is in its text") {
  const MessageStyle style{.json = true};
  CHECK(json::parse(message_line(Level::warning, "two\nlines \"and\" \xff", style)) ==
        json{{"level", "warning"}, {"message", "two\nlines \"and\" \xEF\xBF\xBD"}});
  CHECK(message_line(Level::info, "two\nlines", style).find('\n') == std::string::npos);
  const json error = json::parse(error_line(kError, style)), warning = json::parse(warning_line(kError, style));
  CHECK(error == json{{"level", "error"},
                      {"code", "GC102"},
                      {"where", "a.toml:3:1"},
                      {"message", "no key 'sed'"},
                      {"hint", "did you mean 'seed'?"}});
  CHECK(warning.at("level") == "warning");
  CHECK(warning.at("code") == "GC102");
}

TEST_CASE("in colors, the text of a message stays the same") {
  const MessageStyle style{.colors = true};
  CHECK(message_line(Level::warning, "a spike", style) == "gptcore: \x1b[1;33mwarning:\x1b[0m a spike");
  CHECK(error_line(kError, style) ==
        "\x1b[1ma.toml:3:1: \x1b[0m\x1b[1;31merror[GC102]:\x1b[0m no key 'sed'; did you mean 'seed'?");
}

TEST_CASE("an error that only a bug can cause asks for a report") {
  CHECK(error_line(Error(Code::internal, "no such state"), {}) ==
        "error[GC999]: no such state; this is a bug in gptcore; please report it with the command you ran");
}

TEST_CASE("colors are for terminals, and the user has the last word") {
  const Environment term("TERM", "xterm"), none("NO_COLOR", ""), unasked(kColorVariable, "");
  CHECK(colors_wanted(true));
  CHECK_FALSE(colors_wanted(false));
  {
    const Environment set("NO_COLOR", "1");
    CHECK_FALSE(colors_wanted(true));
    const Environment always(kColorVariable, "always");
    CHECK(colors_wanted(false));
  }
  const Environment never(kColorVariable, "never");
  CHECK_FALSE(colors_wanted(true));
}

TEST_CASE("a dumb terminal gets no colors") {
  const Environment term("TERM", "dumb"), none("NO_COLOR", ""), unasked(kColorVariable, "");
  CHECK_FALSE(colors_wanted(true));
}
