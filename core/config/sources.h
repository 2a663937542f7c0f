// The tables in a dataset's parameter `source`, which name the datasets that it is made of.
#pragma once

#include "core/config/check.h"
#include "core/plugin/catalog.h"

namespace gptcore {

// Checks each table against its dataset's parameters and completes it in place, as a [dataset] table is; mistakes go to
// `errors`. Tables may hold such tables in their turn. `weight` is left to the outer dataset's own rules.
void complete_sources(Table& dataset, const Origin& origin, const Catalog& catalog, const Folders& folders, ErrorList& errors);

// Returns the tables that name a dataset by `use`, without those inside of them.
std::vector<Table> named_sources(const Table& dataset);

// Returns the names of the datasets that named_sources() finds, and of those that they are made of.
std::vector<std::string> sources_of(const Table& dataset);

}  // namespace gptcore
