// Errors: each prints one line with a stable code and the next thing to do. The hundreds of the code determine the exit code.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace gptcore {

// Stable numbers, printed as GCnnn. docs/errors.md explains each. A number is never reused.
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
  plugin_refused = 201,  // cannot be used, for a reason without a number of its own
  plugin_failed = 202,   // an exception or failure inside a plugin
  plugin_clash = 203,    // two plugins offer the same item
  plugin_is_directory = 204,
  plugin_not_elf = 205,    // a text or another file that is no shared library
  plugin_truncated = 206,  // cut off or damaged
  plugin_architecture = 207,
  plugin_no_descriptor = 208,  // a shared library, but no gptcore plugin
  plugin_writable = 209,       // other users may change it
  plugin_unresolved_symbol = 210,
  plugin_missing_library = 211,
  plugin_epoch_old = 212,
  plugin_epoch_new = 213,
  plugin_torch_version = 214,
  plugin_abi_tag = 215,
  plugin_no_entry = 216,
  plugin_entry_small = 217,  // its descriptor or entry structure is too small
  plugin_null_register = 218,
  plugin_setup_failed = 219,
  plugin_hangs = 220,
  plugin_init_throws = 221,   // a static initialiser
  plugin_init_crashes = 222,  // a static initialiser
  plugin_torch_library = 223,
  plugin_bad_schema = 224,
  plugin_second_runtime = 225,  // brings a copy of LibTorch or NCCL
  plugin_sdk_version = 226,
  plugin_no_manifest = 227,
  plugin_manifest_differs = 228,
  plugin_foreign_owner = 229,
  plugin_bare_name = 230,
  plugin_probe_failed = 231,
  plugin_unsafe = 232,  // not an installed one, in safe mode
  plugin_not_locked = 233,
  plugin_lock_differs = 234,
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

// A failure that a user can act on. `hint` is the next thing to do, "" when the message says it all. `where` is file:line:col
// or a path, "" when no place is known.
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message, std::string hint = {}, std::string where = {});
  ~Error() override;
  Code code() const noexcept { return code_; }
  const std::string& hint() const noexcept { return hint_; }
  const std::string& where() const noexcept { return where_; }
  // Returns the same error at `where`. An error that already has a place keeps it.
  Error at(const std::string& where) const;
  // Returns "where: error[GC102]: message; hint" without a trailing newline.
  std::string line() const;

 private:
  Code code_;
  std::string hint_;
  std::string where_;
};

}  // namespace gptcore
