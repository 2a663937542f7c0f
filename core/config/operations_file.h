// An operations file lists the operations of a train stage in order, as a YAML or JSON list of
//   { name, value, trigger_loss, max_wait_iters, reevaluate, completed, on_error, desc }
// or a map whose key `operations` holds that list. The first four keys are required; a `value` of null means none, a map gives
// the operation's own keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config/document.h"

namespace gptcore {

// Returns each entry as the [[stage.operation]] it stands for, with places in the file. Mistakes go to `errors`; that of a file
// which cannot be read is at `named_at`. `shown` is the file's name in messages.
std::vector<RawTable> read_operations_file(const std::filesystem::path& path, const std::string& shown, const Origin& named_at,
                                           ErrorList& errors);

// Returns the file's text with `completed: true` in the entry of that number; all else is kept, including comments.
// Throws Error(config_syntax) when the text has no such entry or cannot be changed that way.
std::string with_completed(const std::string& text, size_t index);

}  // namespace gptcore
