#include "apps/engine/chosen_tokenizer.h"

#include "gptcore/error.h"

namespace gptcore {

void open_chosen_tokenizer(Session& session, const TokenizerChoice& choice, FileSystem& files) {
  session.tokenizer.reset();
  if (choice.checkpoint.empty()) {
    session.open_tokenizer(choice.config, files, nullptr);
  } else {
    const Checkpoint checkpoint{choice.checkpoint, read_checkpoint_manifest(files, choice.checkpoint)};
    session.open_tokenizer(choice.config, files, &checkpoint);
  }
  if (!session.tokenizer)
    throw Error(Code::missing_key, "the run has no tokenizer", "name one, or another run", choice.checkpoint);
  if (!session.tokenizer->ready())
    throw Error(Code::usage, "the tokenizer '" + choice.config.tokenizer->use + "' learns its vocabulary from a dataset",
                "give the folder of a run that used it");
}

}  // namespace gptcore
