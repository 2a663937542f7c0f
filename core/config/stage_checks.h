// What is wrong with a [[stage]] beyond the keys of its own table. All of it goes to `errors`.
#pragma once

#include <string>
#include <vector>

#include "core/config/check.h"
#include "core/config/document.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// `kind` and `name` of the stage `index`; `names` are those of all stages.
void check_stage_keys(const RawTable& table, const std::vector<std::string>& names, size_t index, ErrorList& errors);
// Names that stages without one have by themselves: "train", "train-2", ...
void refuse_names_of_unnamed(const std::vector<RawStage>& stages, ErrorList& errors);
// "FILE:path" of a sample stage's prompt with the path made absolute.
void resolve_prompt(Section& stage, const Folders& folders);
// Operations that would never be asked. Their tables, and the stage's, are right by themselves.
void check_triggers(const StageConfig& stage, const std::vector<RawTable>& operations, const Catalog& catalog,
                    ErrorList& errors);
// Operations and evaluators below a stage of a kind that has none.
void refuse_misplaced(const RawStage& stage, const std::string& kind, ErrorList& errors);

}  // namespace gptcore
