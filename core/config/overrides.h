// Values from the command line, put over those of the file: a.b=v, or nanoGPT's bare learning_rate=3e-4. Keys that nanoGPT has
// and a pipeline has not (dtype, decay_lr, ...) mean what they mean there, or are refused with the key to use.
#pragma once

#include <string>
#include <vector>

#include "core/config/document.h"
#include "core/plugin/catalog.h"

namespace gptcore {

struct Override {
  std::string text;     // "train.learning_rate=3e-4"
  std::string written;  // as the user wrote it: "--set train.learning_rate=3e-4"
  bool flag = false;    // `text` is a key alone, "--eval_only": its value is true
  bool apart = false;   // written as two words, "--learning_rate 3e-4": refused with the one word to write
};

// Changes `document`; creates tables it lacks. What names nothing, or more than one thing, goes to `errors`.
void apply_overrides(Document& document, const std::vector<Override>& overrides, const Catalog& catalog, ErrorList& errors);

// "train", "train-2", ...: each stage's name, given or made from its kind.
std::vector<std::string> stage_names(const Document& document);

}  // namespace gptcore
