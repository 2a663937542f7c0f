// Finds plugins: the given files, those in GPTCORE_PLUGIN_PATH and the installed ones. Nothing is loaded.
#pragma once

#include <string>
#include <vector>

#include "core/plugin/catalog.h"
#include "core/plugin/installation.h"
#include "gptcore/error.h"

namespace gptcore {

// Returns `known` (the core's own items) with the items of every plugin on the search path added. A plugin that cannot be used,
// or that offers an item whose name is taken (Code::plugin_clash), adds only an error to `refused`, whose where() is the file
// as given. Installed plugins are added first; with `replace`, other plugins take over the names of their items. The caller
// stops for an error of a given file and for a clash; a warning is enough for others. In safe mode only the installed plugins
// are read, and each given file is refused.
Catalog read_catalog(const std::vector<std::string>& plugin_files, std::vector<Error>& refused, Catalog known = {},
                     bool replace = false);
// Returns Error(plugin_clash): `item`, of the plugin `file`, has the name of `other`.
Error name_clash(const ItemInfo& item, const ItemInfo& other, const std::string& file);

}  // namespace gptcore
