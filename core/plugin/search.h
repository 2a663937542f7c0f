// Finds plugins: given files, then GPTCORE_PLUGIN_PATH, then the installed ones. Nothing is loaded.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/catalog.h"
#include "core/plugin/installation.h"
#include "gptcore/error.h"

namespace gptcore {

// The items of every plugin on the search path, added to `known` (the core's own). A plugin that cannot be used, or that
// offers an item which is already there (Code::plugin_clash), adds nothing but its error to `refused`, whose where() is the
// file as given. Installed plugins were there first; with `replace` the names of their items go over to those of other plugins.
// For a given file, and for a clash, the caller stops; for others a warning is enough. In safe mode only the installed plugins
// are read, and each given file is refused.
Catalog read_catalog(const std::vector<std::string>& plugin_files, std::vector<Error>& refused, Catalog known = {},
                     bool replace = false);
// Error(plugin_clash): the item of the plugin `file` has the name of `other`.
Error name_clash(const ItemInfo& item, const ItemInfo& other, const std::string& file);

}  // namespace gptcore
