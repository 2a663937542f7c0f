#include "core/config/operations_file.h"

#include <algorithm>
#include <cmath>

#include "core/base/file_system.h"
#include "core/config/operation_keys.h"
#include "core/config/yaml.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

constexpr uint64_t kLargestFile = uint64_t{4} << 20;

std::vector<std::string> known_keys() {
  return {"name", "value", "trigger_loss", "max_wait_iters", "reevaluate", "completed", "on_error", "desc"};
}

struct Required {
  const char* key;
  const char* hint;
};
constexpr Required kRequired[] = {{"name", "add name: change_lr, say"},
                                  {"value", "add value: null when it takes none"},
                                  {"trigger_loss", "add trigger_loss: 100 for at once, 0 for by time only"},
                                  {"max_wait_iters", "add max_wait_iters: 1000, the updates to wait at most"}};

class Reader {
 public:
  Reader(const std::string& shown, ErrorList& errors) : shown_(shown), errors_(errors) {}

  std::vector<RawTable> read(const YAML::Node& root) {
    std::vector<RawTable> out;
    const YAML::Node list = root.IsMap() ? listed_in(root) : root;
    if (list.IsSequence()) {
      for (const YAML::Node& entry : list)
        if (RawTable table = operation(entry); table.find("use")) out.push_back(std::move(table));
    } else if (list.IsDefined()) {
      errors_.add(Code::wrong_type, "operations are a list", "write - name: change_lr, and so on", at(list));
    }
    return out;
  }

 private:
  Origin at(const YAML::Node& node) const { return yaml_origin(node.Mark(), shown_); }

  // Returns the list in { operations: [...] }, undefined when it is absent, which is reported.
  YAML::Node listed_in(const YAML::Node& root) {
    YAML::Node list(YAML::NodeType::Undefined);
    if (root.size() == 0) errors_.add(Code::config_syntax, "has no operations", "write a list of operations", at(root));
    for (const auto& pair : root) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "";
      if (key == "operations")
        list.reset(pair.second);
      else
        errors_.add(Code::unknown_key, "an operations file has no key '" + key + "'",
                    did_you_mean(key, {"operations"}, "it is a list, or a map with the key operations"), at(pair.first));
    }
    return list;
  }

  // Returns the table of an operation, without `use` when it has no name.
  RawTable operation(const YAML::Node& node) {
    RawTable table{at(node), {}};
    if (!node.IsMap()) {
      errors_.add(Code::wrong_type, "an operation is a map with name, value, trigger_loss and max_wait_iters", {},
                  table.header);
      return table;
    }
    broken_.clear();
    entries_ = entries_of(node);
    for (const auto& [key, hint] : kRequired)
      if (!entries_.find(key))
        errors_.add(Code::missing_key, std::string("an operation needs '") + key + "'", hint, table.header);
    put_name(table);
    put_when(table);
    put_value(table, node);
    for (const char* key : {"reevaluate", "completed", "on_error"})
      if (const Entry* entry = entries_.find(key); entry && !entry->value.empty()) table.entries.push_back(*entry);
    check_type("desc", Type::text);
    return table;
  }

  // Returns the entries of a map, without unknown keys.
  RawTable entries_of(const YAML::Node& map) {
    RawTable out;
    for (const auto& pair : map) {
      Entry entry{pair.first.IsScalar() ? pair.first.Scalar() : "", {}, at(pair.first), at(pair.second)};
      if (pair.second.IsNull()) entry.origin = entry.key_at;
      const auto known = known_keys();
      if (std::find(known.begin(), known.end(), entry.key) == known.end())
        errors_.add(Code::unknown_key, "an operation has no key '" + entry.key + "'",
                    did_you_mean(entry.key, known, "it has " + listed(known)), entry.key_at);
      else if (out.find(entry.key))
        errors_.add(Code::conflict, "the key '" + entry.key + "' is given twice", "leave one out", entry.key_at);
      else
        out.entries.push_back(with_value(std::move(entry), pair.second));
    }
    return out;
  }

  Entry with_value(Entry entry, const YAML::Node& node) {
    try {
      if (!(entry.key == "value" && node.IsMap())) entry.value = yaml_value(node);  // a map's keys get places of their own
    } catch (const Error& e) {
      errors_.add(e.code(), "'" + entry.key + "': " + e.what(), e.hint(), entry.origin);
      broken_.push_back(entry.key);
    }
    return entry;
  }

  // Returns whether the value is empty because of a reported mistake, not because it is null.
  bool is_broken(const Entry& entry) const { return std::find(broken_.begin(), broken_.end(), entry.key) != broken_.end(); }

  const Entry* check_type(const char* key, Type type) {
    const Entry* entry = entries_.find(key);
    if (!entry || entry->value.empty()) return nullptr;
    ParamSpec spec;
    spec.type = type;
    const auto wrong = misfit(spec, entry->value);
    if (!wrong) return entry;
    errors_.add(Code::wrong_type, std::string("'") + key + "' " + wrong->text, {}, entry->origin);
    return nullptr;
  }

  void put_name(RawTable& table) {
    const Entry* name = entries_.find("name");
    if (!name) return;
    if (name->value.empty() && !is_broken(*name)) errors_.add(Code::wrong_type, "'name' expects a string", {}, name->origin);
    if (check_type("name", Type::text)) table.entries.push_back({"use", name->value, name->key_at, name->origin});
  }

  // Returns the number of a condition, or an empty value when it has no effect; `.inf` becomes "now" in trigger_loss.
  Value condition(const Entry& entry, const ParamSpec& spec) {
    Value value = entry.value;
    if (value.is<double>()) {
      const double number = value.as<double>();
      if (number == HUGE_VAL) return spec.name == "trigger_loss" ? Value("now") : Value();  // no timeout: only the loss counts
      const bool whole = std::trunc(number) == number && std::abs(number) < 1e15;
      if (spec.type == Type::integer && whole) value = static_cast<int64_t>(number);
    }
    const auto wrong = misfit(spec, value);
    if (!wrong) return value;
    errors_.add(wrong->wrong_type ? Code::wrong_type : Code::out_of_range, "'" + spec.name + "' " + wrong->text, {},
                entry.origin);
    return {};
  }

  void put_when(RawTable& table) {
    Table when;
    Origin first;
    const Schema<When> conditions = schema_of<When>();
    for (const ParamSpec& spec : conditions.specs()) {
      if (spec.name != "trigger_loss" && spec.name != "max_wait_iters") continue;
      const Entry* entry = entries_.find(spec.name);
      if (!entry) continue;
      if (entry->value.empty()) {
        if (is_broken(*entry)) continue;
        errors_.add(Code::wrong_type, "'" + spec.name + "' expects a number", {}, entry->origin);
        continue;
      }
      if (when.empty()) first = entry->origin;
      if (Value value = condition(*entry, spec); !value.empty()) when.emplace_back(spec.name, std::move(value));
    }
    if (!when.empty()) table.entries.push_back({"when", when, first, first});
  }

  void put_value(RawTable& table, const YAML::Node& node) {
    const Entry* entry = entries_.find("value");
    if (!entry) return;
    if (!entry->value.empty() || is_broken(*entry)) table.entries.push_back(*entry);
    const YAML::Node value = node["value"];
    if (!value.IsMap()) return;
    std::vector<std::string> core = {"use"};
    const Schema<OperationKeys> keys = schema_of<OperationKeys>();
    for (const ParamSpec& spec : keys.specs()) core.push_back(spec.name);
    for (const auto& pair : value) {
      Entry own{pair.first.IsScalar() ? pair.first.Scalar() : "", {}, at(pair.first), at(pair.second)};
      if (std::find(core.begin(), core.end(), own.key) != core.end())
        errors_.add(Code::unknown_key, "'" + own.key + "' is not one of the operation's own keys", "put it beside value",
                    own.key_at);
      else if (table.find(own.key))
        errors_.add(Code::conflict, "the key '" + own.key + "' is given twice", "leave one out", own.key_at);
      else
        table.entries.push_back(with_value(std::move(own), pair.second));
    }
  }

  const std::string& shown_;
  ErrorList& errors_;
  RawTable entries_;                 // of the current operation
  std::vector<std::string> broken_;  // keys whose values no Value can hold
};

}  // namespace

std::vector<RawTable> read_operations_file(const std::filesystem::path& path, const std::string& shown, const Origin& named_at,
                                           ErrorList& errors) {
  const auto files = posix_file_system();
  std::string text;
  try {
    const FileKind kind = files->kind(path);
    if (kind != FileKind::file)
      throw Error(
          Code::unreadable_config,
          std::string("operations_file '") + shown + "': " + (kind == FileKind::absent ? "no such file" : "is not a file"),
          "it counts from the pipeline file's folder");
    text = read_text(*files, path, kLargestFile);
  } catch (const Error& e) {
    errors.add(Code::unreadable_config, e.what(), e.hint(), named_at);
    return {};
  }
  return Reader(shown, errors).read(parse_yaml(text, shown, errors));
}

}  // namespace gptcore
