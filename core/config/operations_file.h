// An operations file: what a train stage is to do, in order, as a YAML or JSON list of
//   { name, value, trigger_loss, max_wait_iters, reevaluate, completed, on_error, desc }
// or a map whose key `operations` holds that list. The first four must be there; a `value` of null stands for none, a map for
// the operation's own keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config/document.h"

namespace gptcore {

// Each entry as the [[stage.operation]] it stands for, with places in the file; what is wrong goes to `errors`, and a file that
// cannot be read to `named_at`. `shown` is its name in messages.
std::vector<RawTable> read_operations_file(const std::filesystem::path& path, const std::string& shown, const Origin& named_at,
                                           ErrorList& errors);

// The file's text with `completed: true` in the entry of that number; all else is kept, comments too.
// Throws Error(config_syntax) when the text has no such entry or cannot be changed that way.
std::string with_completed(const std::string& text, size_t index);

}  // namespace gptcore
