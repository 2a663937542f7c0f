#include "gptcore/error.h"

#include "tests/catch.h"

using gptcore::Code;
using gptcore::Error;

TEST_CASE("an error is one line: place, code, message, hint", "[sdk][error]") {
  CHECK(Error(Code::unknown_key, "no 'a'", "did you mean 'b'?", "f.toml:1:2").line() ==
        "f.toml:1:2: error[GC102]: no 'a'; did you mean 'b'?");
  CHECK(Error(Code::config_syntax, "saw 't\n'\x1b").line() == "error[GC100]: saw 't\\n'?");
  CHECK(Error(Code::usage, "no verb").line() == "error[GC001]: no verb");
  CHECK(std::string(Error(Code::io, "text", "hint", "where").what()) == "text");
}

TEST_CASE("the exit code follows from the kind of failure", "[sdk][error]") {
  const auto [code, expected] = GENERATE(table<Code, int>({{Code::usage, 2},
                                                           {Code::config_syntax, 2},
                                                           {Code::unreadable_config, 2},
                                                           {Code::plugin_missing, 3},
                                                           {Code::data_empty, 4},
                                                           {Code::download_failed, 4},
                                                           {Code::model_shape, 2},
                                                           {Code::run_locked, 5},
                                                           {Code::nonfinite, 6},
                                                           {Code::out_of_memory, 7},
                                                           {Code::peer_lost, 8},
                                                           {Code::disk_full, 9},
                                                           {Code::internal, 70}}));
  CHECK(gptcore::exit_code(code) == expected);
}

TEST_CASE("an error keeps its own place, and takes the place of what it is about when it has none", "[sdk][error]") {
  CHECK(Error(Code::io, "text", "hint").at("f.toml:1:1").line() == "f.toml:1:1: error[GC900]: text; hint");
  CHECK(Error(Code::io, "text", "hint", "own").at("f.toml:1:1").where() == "own");
}
