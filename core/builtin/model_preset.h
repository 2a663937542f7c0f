// The values that `preset` and `init_from` of [model] give to the keys of the model "gpt".
#pragma once

#include <string>
#include <vector>

#include "core/options/init_from.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// Returns the keys of [model] that the source fixes. Throws Error at the file that is missing, damaged or of another model.
Table values_of(const InitFrom& from);

Preset model_preset(const Table& given, const Table& written);

// Returns the name of the tokenizer of the run whose checkpoint `init_from` names, because its tokens are compared with those
// of the new run. Returns nothing for a Hugging Face folder and where no tokenizer is known.
std::vector<std::string> source_tokenizers(const Table& values);

}  // namespace gptcore
