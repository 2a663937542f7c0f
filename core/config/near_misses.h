// What a name that nobody knows was meant to be, as the hint of its error: by meaning first, then by its letters.
#pragma once

#include <string>
#include <vector>

#include "core/config/owner.h"

namespace gptcore {

// Of a key in a table of that owner. Other programs' names for a key, singular and plural, tables written as keys and keys of
// other tables come before keys of like spelling.
std::string hint_for_key(const std::string& key, const Owner& owner);
// The one of `keys` that other programs call `key`, or that differs in number only; "" when there is none.
std::string same_meaning(const std::string& key, const std::vector<std::string>& keys);
// The tables of the core's own that have such a key, as "a train stage"; empty when none has.
std::vector<std::string> owners_of_key(const std::string& key);
// What has the key, behind "is a key of": "[run], of a train stage and of a prepare stage".
std::string owners_text(const std::vector<std::string>& owners);
// Of a key that stands alone on the command line, where the pipeline's tables have those keys.
std::string hint_for_bare_key(const std::string& key, const std::vector<std::string>& keys);
// The one of `keys` that `key` means or is near to; "" when there is none.
std::string key_meant(const std::string& key, const std::vector<std::string>& keys);
// Of a table's name on the command line, where a key should be; `use` is what the table has.
std::string hint_for_table_as_key(const std::string& table, const std::string& use, const Catalog& catalog);
// Of a table: its header as it should be.
std::string hint_for_table(const std::string& name, const Catalog& catalog);
// Of an item that no plugin offers under that kind.
std::string hint_for_item(Kind kind, const std::string& name, const Catalog& catalog);
// Of a stage's kind.
std::string hint_for_kind(const std::string& name);
// The choice that others call `value` ("bfloat16" for "bf16"), or `value` itself.
std::string choice_called(const std::string& value, const ParamSpec& spec);

}  // namespace gptcore
