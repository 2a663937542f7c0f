// Handles the loggers of a pipeline without [[logger]], or with use = "none".
#pragma once

#include <string>
#include <vector>

#include "core/config/document.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// Adds tables for `names`, as far as the catalog has them, to a document without [[logger]].
void add_default_loggers(Document& document, const std::vector<std::string>& names, const Catalog& catalog);
// Removes the table with use = "none". Adds an error when it has other keys, or when there are other loggers.
void take_no_logger(Document& document, ErrorList& errors);

// Adds an error for each logger with the name and the values of an earlier one: every record would be written twice. `loggers`
// were made from `tables`.
void refuse_alike(const std::vector<Section>& loggers, const std::vector<RawTable>& tables, ErrorList& errors);

}  // namespace gptcore
