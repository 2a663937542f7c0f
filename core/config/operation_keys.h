// The program's own keys of a [[stage.operation]]; the rest are its item's parameters. No LibTorch here.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/config/owner.h"
#include "core/options/when.h"

namespace gptcore {

struct OperationKeys {
  std::optional<Table> when;  // absent: the operation fires after each of the item's events
  bool reevaluate = false;
  std::string on_error = "stop";  // stop | skip
  bool completed = false;
  std::optional<double> undo_if_worse;
  int64_t judge_after = 1;

  static void schema(Schema<OperationKeys>& s);
  // Returns `when`, which must have been checked.
  std::optional<When> conditions() const;
};

// Adds these keys and the check of `when`. An item's own parameter takes the place of a key with the same name.
void add_operation_keys(Owner& owner);
// Returns the keys of a checked table.
OperationKeys operation_keys(const Table& values);
// Returns what distinguishes an operation in its stage, as TOML texts by key: the item as `use`, its arguments, `when`.
std::map<std::string, std::string> operation_table(const std::string& use, const Table& values);
// Returns the program's own keys except `when` and `completed`, in the same form.
std::map<std::string, std::string> operation_policy(const Table& values);

}  // namespace gptcore
