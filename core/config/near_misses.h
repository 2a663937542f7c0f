// Guesses what an unknown name was meant to be, as the hint of its error: first by meaning, then by spelling.
#pragma once

#include <string>
#include <vector>

#include "core/config/owner.h"

namespace gptcore {

// Returns the hint for a key in a table of that owner. Other programs' names for a key, singular and plural, tables written as
// keys and keys of other tables come before keys of like spelling.
std::string hint_for_key(const std::string& key, const Owner& owner);
// Returns the one of `keys` that other programs call `key`, or that differs only in number (singular, plural), or "".
std::string same_meaning(const std::string& key, const std::vector<std::string>& keys);
// Returns the core's own tables that have such a key, as "a train stage".
std::vector<std::string> owners_of_key(const std::string& key);
// Returns the owners as text that follows "is a key of": "[run], of a train stage and of a prepare stage".
std::string owners_text(const std::vector<std::string>& owners);
// Returns the hint for a key that stands alone on the command line; `keys` are those of the pipeline's tables.
std::string hint_for_bare_key(const std::string& key, const std::vector<std::string>& keys);
// Returns the one of `keys` that `key` means or is near to, or "".
std::string key_meant(const std::string& key, const std::vector<std::string>& keys);
// Returns the hint for a table's name on the command line in place of a key; `use` is that of the table.
std::string hint_for_table_as_key(const std::string& table, const std::string& use, const Catalog& catalog);
// Returns the hint for a table of an unknown name: the header it should have.
std::string hint_for_table(const std::string& name, const Catalog& catalog);
// Returns the hint for an item that no plugin offers under that kind.
std::string hint_for_item(Kind kind, const std::string& name, const Catalog& catalog);
// Returns the hint for an unknown kind of stage.
std::string hint_for_kind(const std::string& name);
// Returns the choice that other programs call `value` ("bfloat16" for "bf16"), or `value` itself.
std::string choice_called(const std::string& value, const ParamSpec& spec);

}  // namespace gptcore
