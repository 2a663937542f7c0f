#include "core/config/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <fstream>

#include "core/config/nanogpt.h"
#include "core/config/near_misses.h"
#include "core/config/substitute.h"
#include "core/config/written_value.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestFile = 4 << 20;

[[noreturn]] void refuse(Code code, const std::string& message, const std::string& hint, const Location& where) {
  throw ConfigErrors({Error(code, message, hint, where.text())});
}

std::string read_text(const std::string& file) {
  std::error_code failure;
  const fs::file_status status = fs::status(file, failure);
  const Location where{file};
  if (!fs::exists(status)) refuse(Code::unreadable_config, "no such file", "give the path of a pipeline file", where);
  if (fs::is_directory(status)) refuse(Code::unreadable_config, "is a folder", "give the pipeline file in it", where);
  std::ifstream in(file, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.eof() && !in) refuse(Code::unreadable_config, "cannot be read", "check its permissions", where);
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kLargestFile) refuse(Code::unreadable_config, "is over 4 MiB", "give a pipeline file, not data", where);
  return text;
}

// Returns a line by its number, from 1.
std::string line_of(const std::string& text, size_t number) {
  size_t begin = 0;
  for (; number > 1 && begin != std::string::npos; --number) begin = text.find('\n', begin) + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

Value plain_value(const toml::node& node);

// Orders the keys by their places in the text, because a TOML table keeps no order.
std::vector<std::pair<const toml::key*, const toml::node*>> in_file_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> out;
  for (const auto& [key, node] : table) out.emplace_back(&key, &node);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.first->source().begin < b.first->source().begin; });
  return out;
}

Table plain_table(const toml::table& table) {
  Table out;
  for (const auto& [key, node] : in_file_order(table)) out.emplace_back(std::string(key->str()), plain_value(*node));
  return out;
}

Value plain_value(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::boolean:
      return **node.as_boolean();
    case toml::node_type::integer:
      return int64_t{**node.as_integer()};
    case toml::node_type::floating_point:
      return **node.as_floating_point();
    case toml::node_type::string:
      return **node.as_string();
    case toml::node_type::table:
      return plain_table(*node.as_table());
    case toml::node_type::array:
      break;
    default:
      throw Error(Code::wrong_type, "dates and times are not allowed here", "write it as a string, in quotes");
  }
  List out;
  for (const toml::node& item : *node.as_array()) out.push_back(plain_value(item));
  return out;
}

class Reader {
 public:
  Reader(Document& document, ErrorList& errors) : document_(document), errors_(errors) {}

  void read(const toml::table& root) {
    for (const auto& [key, node] : in_file_order(root)) {
      const std::string name(key->str());
      if (std::optional<RawTable>* slot = document_.named(name)) {
        if (const toml::table* table = expect_table(name, *key, *node)) *slot = raw_table(*table);
      } else if (name == "stage") {
        for (const toml::table* table : expect_tables(name, *key, *node)) document_.stages.push_back(raw_stage(*table));
      } else if (name == "logger" || name == "adapter") {
        auto& tables = name == "logger" ? document_.loggers : document_.adapters;
        for (const toml::table* table : expect_tables(name, *key, *node)) tables.push_back(raw_table(*table));
      } else {
        unknown(name, *key, *node);
      }
    }
  }

 private:
  Origin at(const toml::source_region& source) const {
    return {Source::file, {document_.shown, source.begin.line, source.begin.column}, {}};
  }

  const toml::table* expect_table(const std::string& name, const toml::key& key, const toml::node& node) {
    if (const toml::table* table = node.as_table()) return table;
    const bool item = item_kind(name) && node.is_string();
    errors_.add(Code::wrong_type, "'" + name + "' expects a table",
                "write [" + name + "]" + (item ? " with use, the name of a " + name + ", and the keys of that" : ""),
                at(key.source()));
    return nullptr;
  }

  std::vector<const toml::table*> expect_tables(const std::string& name, const toml::key& key, const toml::node& node) {
    std::vector<const toml::table*> out;
    const toml::array* array = node.as_array();
    if (array && std::all_of(array->begin(), array->end(), [](const toml::node& item) { return item.is_table(); })) {
      for (const toml::node& item : *array) out.push_back(item.as_table());
    } else {
      const std::string path = name == "operation" || name == "evaluator" ? "stage." + name : name;
      errors_.add(Code::wrong_type, "'" + path + "' expects an array of tables", "write [[" + path + "]]", at(key.source()));
    }
    return out;
  }

  void unknown(const std::string& name, const toml::key& key, const toml::node& node) {
    if (node.is_table() || node.is_array_of_tables()) {
      document_.unknown.emplace_back(name, at(node.source()));
      return;
    }
    const auto owners = owners_of_key(name);
    std::string hint = nanogpt_hint(name, scalar(node));
    if (hint.empty())
      hint = owners.empty() ? "put it below its table"
                            : "it is a key of " + owners_text(owners) + ": put it below " +
                                  (owners.size() == 1 ? "that" : "the one that it is meant for");
    errors_.add(Code::unknown_key, "the key '" + name + "' is outside every table", hint, at(key.source()));
  }

  // Returns the value of the node, empty when no Value can hold it.
  static Value scalar(const toml::node& node) {
    try {
      return plain_value(node);
    } catch (const Error&) {
      return {};
    }
  }

  // Reads a table without the keys in `skip`.
  RawTable raw_table(const toml::table& table, const std::vector<std::string>& skip = {}) {
    RawTable out{at(table.source()), {}};
    for (const auto& [key, node] : in_file_order(table)) {
      if (std::find(skip.begin(), skip.end(), key->str()) != skip.end()) continue;
      Entry entry{std::string(key->str()), {}, at(key->source()), at(node->source())};
      try {
        entry.value = expand_variables(plain_value(*node));
      } catch (const Error& e) {
        errors_.add(e.code(), e.what(), e.hint(), entry.origin);
      }
      out.entries.push_back(std::move(entry));
    }
    return out;
  }

  RawStage raw_stage(const toml::table& table) {
    RawStage out;
    const auto inner = [&](const std::string& name, std::vector<RawTable>& tables) {
      if (const auto found = table.find(name); found != table.end())
        for (const toml::table* item : expect_tables(name, found->first, found->second)) tables.push_back(raw_table(*item));
    };
    inner("operation", out.operations);
    inner("evaluator", out.evaluators);
    out.table = raw_table(table, {"operation", "evaluator"});
    return out;
  }

  Document& document_;
  ErrorList& errors_;
};

}  // namespace

const Entry* RawTable::find(const std::string& key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

std::string RawTable::text(const std::string& key) const {
  const Entry* entry = find(key);
  return entry && entry->value.is<std::string>() ? entry->value.as<std::string>() : "";
}

void RawTable::set(Entry entry) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& old) { return old.key == entry.key; });
  if (found == entries.end())
    entries.push_back(std::move(entry));
  else
    *found = std::move(entry);
}

std::optional<RawTable>* Document::named(const std::string& name) {
  if (name == "run") return &run;
  if (name == "plugins") return &plugins;
  if (name == "tokenizer") return &tokenizer;
  if (name == "dataset") return &dataset;
  if (name == "model") return &model;
  return nullptr;
}

Document read_document(const std::optional<std::string>& file, ErrorList& errors) {
  Document document;
  document.folder = fs::current_path();
  if (!file) return document;
  document.shown = *file;
  document.folder = fs::absolute(*file).lexically_normal().parent_path();
  const std::string text = read_text(*file);
  try {
    Reader(document, errors).read(toml::parse(text, *file));
  } catch (const toml::parse_error& e) {
    const toml::source_position at = e.source().begin;
    const Location where{*file, at.line, at.column};
    if (file->ends_with(".py"))
      refuse(Code::config_syntax, "is Python, not TOML", "write its keys below the tables of a TOML file, as configs/ has them",
             where);
    refuse(Code::config_syntax, std::string(e.description()), toml_hint(line_of(text, at.line), at.column), where);
  }
  return document;
}

Value parse_value(const std::string& text) {
  try {
    const toml::table table = toml::parse("v = " + text);
    if (table.size() == 1 && table.contains("v")) return plain_value(*table.get("v"));
  } catch (const toml::parse_error&) {  // a bare word
  } catch (const Error&) {              // a date
  }
  return text;
}

}  // namespace gptcore
