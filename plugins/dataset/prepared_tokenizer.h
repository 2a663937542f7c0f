// Whether the tokens that gptcore prepare has written are those of the pipeline's tokenizer.
#pragma once

#include <filesystem>

#include "core/data/corpus/manifest.h"
#include "core/data/corpus/source_files.h"
#include "core/data/corpus/tokenizer_hash.h"
#include "gptcore/dataset.h"
#include "gptcore/error.h"

namespace gptcore::datasets {

// Loads what the folder's tokenizer has learned where the pipeline's is not ready. Throws Error(data_missing | conflict) where
// it has to be learned and the folder does not hold that, or where it is another one. Without a tokenizer on either side there
// is nothing to compare.
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
