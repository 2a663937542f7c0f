// Writes a pipeline's dataset as a folder of token files.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "core/data/corpus/manifest.h"
#include "core/options/prepare_options.h"
#include "core/pipeline/session.h"

namespace gptcore {

// Where options.out says, or its default.
std::filesystem::path prepared_folder(const PrepareOptions& options, const RunOptions& run);

// The session's tokenizer is open. A dataset with the extension Preparation prepares itself; of any other, which is
// opened if it is not yet, the sequential windows are written, if these are one sequence of tokens. The folder also gets
// tokenizer.toml, the pipeline's [tokenizer]. Absent when cancelled. Throws Error.
std::optional<CorpusManifest> prepare_data(const PipelineConfig& config, Session& session, const PrepareOptions& options,
                                           const std::function<bool()>& cancelled);

// "data/x: 301,966 train and 36,059 val tokens of 50,257 ids, 2 files"
std::string summary_of(const std::filesystem::path& folder, const CorpusManifest& manifest);

}  // namespace gptcore
