// Datasets of documents: prepared once as shards of tokens, then read from these.
#include "chat_mixture.h"
#include "gptcore/plugin.h"
#include "jsonl.h"
#include "prepared.h"

namespace {

void setup(gptcore::Registrar& r) {
  r.dataset<gptcore::datasets::Jsonl>("jsonl", "JSON Lines files with a document a line, plain, .gz or .zst");
  r.dataset<gptcore::datasets::ChatMixture>("chat_mixture",
                                            "conversations as JSON Lines, in the shapes of SmolTalk, MMLU and GSM8K");
  r.dataset<gptcore::datasets::Prepared>("prepared", "a folder that gptcore prepare has made");
}

}  // namespace

GPTCORE_PLUGIN("documents", GPTCORE_VERSION, setup)
