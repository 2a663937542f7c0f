// How gptcore says what went wrong: one line, a stable code, and what to do next. The code's hundreds fix the exit code.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace gptcore {

// Stable numbers, printed as GCnnn; docs/errors.md explains each. Numbers are never reused.
enum class Code : int {
  usage = 1,            // command line
  config_syntax = 100,  // not TOML
  unknown_name = 101,   // no plugin item of that name
  unknown_key = 102,
  wrong_type = 103,
  out_of_range = 104,
  missing_key = 105,
  conflict = 106,          // values that do not fit each other
  bad_override = 107,      // --set that names nothing or is ambiguous
  missing_variable = 108,  // ${ENV} that is not set
  unreadable_config = 109,
  plugin_missing = 200,
  plugin_refused = 201,  // not a plugin, or one this program cannot load
  plugin_failed = 202,   // an exception or failure inside a plugin
  plugin_clash = 203,    // two plugins offer the same item
  data_missing = 300,
  data_empty = 301,
  data_too_short = 302,
  data_corrupt = 303,
  token_out_of_range = 304,
  unknown_character = 305,
  download_failed = 306,
  model_shape = 400,
  checkpoint_missing = 500,
  checkpoint_corrupt = 501,
  checkpoint_mismatch = 502,
  run_exists = 503,  // the folder holds another run
  run_locked = 504,
  nonfinite = 600,
  out_of_memory = 700,
  peer_lost = 800,
  io = 900,
  disk_full = 901,
  internal = 999,
};

// 0 ok, 2 usage/config/model, 3 plugin, 4 data, 5 checkpoint, 6 diverged, 7 memory, 8 peer, 9 disk, 70 internal.
int exit_code(Code code) noexcept;

// A failure a user can act on. `hint` is the next thing to do ("" when the message says it all);
// `where` is file:line:col or a path when the place is known.
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message, std::string hint = {}, std::string where = {});
  ~Error() override;
  Code code() const noexcept { return code_; }
  const std::string& hint() const noexcept { return hint_; }
  const std::string& where() const noexcept { return where_; }
  // "where: error[GC102]: message; hint", without a trailing newline.
  std::string line() const;

 private:
  Code code_;
  std::string hint_;
  std::string where_;
};

}  // namespace gptcore
