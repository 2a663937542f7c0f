// The loggers of a pipeline that has no [[logger]], or use = "none".
#pragma once

#include <string>
#include <vector>

#include "core/config/document.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// Adds tables for `names`, as far as the catalog has them, to a document without [[logger]].
void add_default_loggers(Document& document, const std::vector<std::string>& names, const Catalog& catalog);
// Removes the table that stands for no logger; one with keys, or beside others, goes to `errors`.
void take_no_logger(Document& document, ErrorList& errors);

// An error for a logger with the name and the values of one before it: every record would be written twice. `tables` are those
// that `loggers` were made of.
void refuse_alike(const std::vector<Section>& loggers, const std::vector<RawTable>& tables, ErrorList& errors);

}  // namespace gptcore
