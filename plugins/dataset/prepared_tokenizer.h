// Checks that the tokens that gptcore prepare has written are those of the pipeline's tokenizer.
#pragma once

#include <filesystem>

#include "core/data/corpus/manifest.h"
#include "core/data/corpus/source_files.h"
#include "core/data/corpus/tokenizer_hash.h"
#include "gptcore/dataset.h"
#include "gptcore/error.h"

namespace gptcore::datasets {

// When the pipeline's tokenizer is not ready, loads what the folder's has learned. Throws Error(data_missing) when the folder
// does not hold that, Error(conflict) when the tokenizers differ. Compares nothing when either side has no tokenizer.
inline void require_tokenizer(const CorpusManifest& manifest, const std::filesystem::path& folder,
                              const DatasetContext& context) {
  if (!context.tokenizer || manifest.tokenizer.empty()) return;
  if (!context.tokenizer->ready()) {
    const std::filesystem::path state = folder / kTokenizerStateFile;
    if (!std::filesystem::exists(state))
      throw Error(Code::data_missing, "the tokenizer must be learned, and the folder does not hold what it has learned",
                  "prepare the corpus again with this tokenizer", folder.string());
    context.tokenizer->load(read_file(state.string()));
  }
  if (tokenizer_hash(*context.tokenizer) != manifest.tokenizer)
    throw Error(Code::conflict, "the corpus was prepared with another tokenizer than [tokenizer] names",
                "use that one, or prepare the corpus again", folder.string());
}

}  // namespace gptcore::datasets
