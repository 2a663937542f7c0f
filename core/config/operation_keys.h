// The program's own keys of a [[stage.operation]]; the rest are its item's parameters. No LibTorch here.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/config/owner.h"
#include "core/train/when.h"

namespace gptcore {

struct OperationKeys {
  std::optional<Table> when;  // absent: after each of the item's events
  bool reevaluate = false;
  std::string on_error = "stop";  // stop | skip
  bool completed = false;
  std::optional<double> undo_if_worse;
  int64_t judge_after = 1;

  static void schema(Schema<OperationKeys>& s);
  // `when`, which has been checked.
  std::optional<When> conditions() const;
};

// Adds these keys and the check of `when`. A parameter of the item that has the name of one goes first.
void add_operation_keys(Owner& owner);
// The keys of a checked table.
OperationKeys operation_keys(const Table& values);
// What tells an operation from the others of its stage, as TOML texts by key: the item's name as `use`, its arguments, `when`.
std::map<std::string, std::string> operation_table(const std::string& use, const Table& values);
// The program's own keys but `when` and `completed`, likewise.
std::map<std::string, std::string> operation_policy(const Table& values);

}  // namespace gptcore
