// Writes and reads the structure and journal of a run as JSON, for state.json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/model/structure.h"
#include "core/train/trainer.h"

namespace gptcore {

nlohmann::ordered_json structure_json(const Structure& structure);
nlohmann::ordered_json journal_json(const std::vector<JournalEntry>& journal);
// Throw nlohmann's exceptions when the JSON is of another form.
Structure structure_of(const nlohmann::ordered_json& json);
std::vector<JournalEntry> journal_of(const nlohmann::ordered_json& json);

}  // namespace gptcore
