// Writes a pipeline's dataset as a folder of token files.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "core/data/corpus/manifest.h"
#include "core/options/prepare_options.h"
#include "core/pipeline/session.h"

namespace gptcore {

// Returns the folder that options.out names, or its default.
std::filesystem::path prepared_folder(const PrepareOptions& options, const RunOptions& run);

// Writes the folder and returns its manifest, or nullopt when cancelled. The session's tokenizer is open. A dataset with the
// extension Preparation prepares itself. Any other dataset is opened unless it is open, and its sequential windows are written,
// which must be one sequence of tokens. Also writes tokenizer.toml, the pipeline's [tokenizer]. Throws Error.
std::optional<CorpusManifest> prepare_data(const PipelineConfig& config, Session& session, const PrepareOptions& options,
                                           const std::function<bool()>& cancelled);

// Returns "data/x: 301,966 train and 36,059 val tokens of 50,257 ids, 2 files".
std::string summary_of(const std::filesystem::path& folder, const CorpusManifest& manifest);

}  // namespace gptcore
