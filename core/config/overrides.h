// Puts values from the command line over those of the file: a.b=v, or nanoGPT's bare learning_rate=3e-4. Keys that nanoGPT has
// and a pipeline lacks (dtype, decay_lr, ...) mean the same as in nanoGPT, or are refused with the key to use.
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

// Changes `document` and creates tables that it lacks. An override that names nothing, or more than one thing, adds an error.
void apply_overrides(Document& document, const std::vector<Override>& overrides, const Catalog& catalog, ErrorList& errors);

// Returns each stage's name, given or made from its kind: "train", "train-2", ...
std::vector<std::string> stage_names(const Document& document);

}  // namespace gptcore
