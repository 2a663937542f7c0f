// Checks a [[stage]] beyond the keys of its own table. Mistakes go to `errors`.
#pragma once

#include <string>
#include <vector>

#include "core/config/check.h"
#include "core/config/document.h"
#include "core/config/stage_kinds.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// Checks `kind` and `name` of the stage `index`; `names` are those of all stages.
void check_stage_keys(const RawTable& table, const std::vector<std::string>& names, size_t index, ErrorList& errors);
// Refuses given names that stages without a name already have: "train", "train-2", ...
void refuse_names_of_unnamed(const std::vector<RawStage>& stages, ErrorList& errors);
// Makes the path absolute in the prompt "FILE:path" of a sample stage.
void resolve_prompt(Section& stage, const Folders& folders);
// Refuses operations that would never fire. Their tables, and the stage's, must be valid by themselves.
void check_triggers(const StageConfig& stage, const std::vector<RawTable>& operations, const Catalog& catalog,
                    ErrorList& errors);
// Refuses operations and evaluators below a stage of a kind that takes none; `kind` is null for an unknown kind.
void refuse_misplaced(const RawStage& stage, const StageKind* kind, ErrorList& errors);

}  // namespace gptcore
