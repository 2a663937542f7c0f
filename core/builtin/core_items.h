// The items that are built in and need no plugin.
#pragma once

#include "core/plugin/catalog.h"

namespace gptcore {

// Adds the model "gpt" with its parameters and rules.
void add_core_items(Catalog& catalog);

}  // namespace gptcore
