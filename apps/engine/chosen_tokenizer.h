// Opens the tokenizer of a command line in a session.
#pragma once

#include "apps/engine/engine.h"
#include "core/pipeline/session.h"

namespace gptcore {

// Opens it in place of the session's own. The session must have loaded its plugin. Throws Error when it has no vocabulary.
void open_chosen_tokenizer(Session& session, const TokenizerChoice& choice, FileSystem& files);

}  // namespace gptcore
