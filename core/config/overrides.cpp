#include "core/config/overrides.h"
#include "core/config/stage_kinds.h"

#include <algorithm>
#include <sstream>

#include "core/config/nanogpt.h"
#include "core/config/near_misses.h"
#include "core/config/owner.h"
#include "core/config/substitute.h"
#include "core/config/written_value.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

using Segments = std::vector<std::string>;

struct Target {
  RawTable* table;
  std::string path;  // as owner_of() expects it
  std::string use;   // the item's name, or the stage's kind
  std::string key;
};

Segments split(const std::string& path) {
  Segments out;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '.');) out.push_back(part);
  return out;
}

std::string with_underscores(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

bool same(const std::string& a, const std::string& b) {
  return with_underscores(a) == with_underscores(b);
}

std::string use_of(const std::string& path, const RawTable& table) {
  if (path == "model" && !table.find("use")) return "gpt";
  return table.text("use");
}

// Returns true for the texts that the core itself reads: `use` of an item's table, `kind` and `name` of a stage.
bool is_reserved(const Target& target) {
  if (item_kind(target.path)) return target.key == "use";
  return target.path.starts_with("stage.") && (target.key == "kind" || target.key == "name");
}

class Overrider {
 public:
  Overrider(Document& document, const Catalog& catalog, ErrorList& errors)
      : document_(document), catalog_(catalog), errors_(errors) {}

  void apply(const Override& item) {
    where_.source = Source::command_line;
    where_.argument = item.written;
    apart_ = item.apart;
    table_.clear();
    if (item.flag) return set_flag(item.text);
    const size_t equals = item.text.find('=');
    if (equals == std::string::npos || equals == 0) return fail("an override expects KEY=VALUE", "as train.learning_rate=3e-4");
    const Segments path = split(item.text.substr(0, equals));
    const std::string value = item.text.substr(equals + 1);
    if (path.size() > 1) table_ = item.text.substr(0, item.text.rfind('.', equals) + 1);
    if (path.size() == 1 && take_nanogpt(with_underscores(path[0]), value)) return;
    if (const auto target = path.size() == 1 ? bare(path[0], value) : dotted(path)) assign(*target, value);
  }

 private:
  void fail(const std::string& message, const std::string& hint) { errors_.add(Code::bad_override, message, hint, where_); }

  // Applies or refuses a key of nanoGPT's own; returns false for any other key. `asked` is the table that the user named.
  bool take_nanogpt(const std::string& key, const std::string& value, const Target* asked = nullptr) {
    const auto found = nanogpt_key(key, value);
    if (!found) return false;
    if (!found->message.empty()) fail(found->message, found->hint);
    for (const std::string& text : found->overrides) {
      const size_t equals = text.find('=');
      const Segments path = split(text.substr(0, equals));
      const auto own = asked && path.size() == 1 ? owner_of(asked->path, asked->use, catalog_) : std::nullopt;
      const std::string meant = text.substr(equals + 1);
      if (own && own->find(path[0])) {
        assign({asked->table, asked->path, asked->use, path[0]}, meant);
        continue;
      }
      table_ = path.size() > 1 ? path[0] + "." : "";
      if (const auto target = path.size() == 1 ? bare(path[0]) : dotted(path)) assign(*target, meant);
    }
    return true;
  }

  // Refuses key and value in two words: only "=" tells that words belong together, as the next one could be the pipeline file.
  bool refuse_apart(const std::string& key, const std::string& value) {
    if (apart_) fail("a key and its value are one word", "write --" + table_ + key + "=" + value);
    return apart_;
  }

  // Applies a key alone, by which a boolean may be set.
  void set_flag(const std::string& key) {
    const Segments path = split(key);
    if (path.size() == 1 && take_nanogpt(with_underscores(key), "True")) return;
    const auto target = path.size() == 1 ? bare(key) : dotted(path);
    if (!target) return;
    const auto owner = owner_of(target->path, target->use, catalog_);
    const ParamSpec* spec = owner ? owner->find(with_underscores(target->key)) : nullptr;
    if (spec && spec->type != Type::boolean)
      return fail("'" + key + "' needs a value, " + type_name(spec->type), "write --" + key + "=VALUE");
    assign(*target, "true");
  }

  std::optional<Target> dotted(const Segments& path) {
    const std::string& head = path[0];
    if (std::optional<RawTable>* slot = document_.named(head)) {
      if (path.size() != 2) return no_such_form("'" + head + "' is followed by one key, as " + head + ".KEY=VALUE");
      if (!*slot) *slot = RawTable{where_, {}};
      return Target{&**slot, head, use_of(head, **slot), path[1]};
    }
    if (head == "logger") return path.size() == 3 ? logger(path[1], path[2]) : no_such_form("write logger.NAME.KEY=VALUE");
    if (head == "adapter") {
      if (path.size() != 3) return no_such_form("write adapter.NAME.KEY=VALUE");
      RawTable* adapter = one_of(document_.adapters, path[1], "adapter");
      if (!adapter) return std::nullopt;
      return Target{adapter, "adapter", adapter->text("use"), path[2]};
    }
    if (head == "stage" && path.size() > 2) return in_stage(path[1], {path.begin() + 2, path.end()});
    return in_stage(head, {path.begin() + 1, path.end()});
  }

  std::optional<Target> no_such_form(const std::string& message) {
    fail(message, {});
    return std::nullopt;
  }

  // Returns the stage of that name, else the only one of that kind; makes it when the pipeline has no stage at all.
  std::optional<size_t> stage(const std::string& name) {
    const std::vector<std::string> names = stage_names(document_);
    std::vector<size_t> of_kind;
    for (size_t i = 0; i < names.size(); ++i) {
      if (same(names[i], name)) return i;
      if (document_.stages[i].table.text("kind") == name) of_kind.push_back(i);
    }
    if (of_kind.size() == 1) return of_kind[0];
    if (of_kind.size() > 1) {
      fail("'" + name + "' names more than one stage", "name one of " + listed(names));
      return std::nullopt;
    }
    const bool is_kind = find_stage_kind(name) != nullptr;
    if (is_kind && names.empty()) {
      document_.stages.push_back({RawTable{where_, {{"kind", name, where_, where_}}}, {}, {}});
      return 0;
    }
    Segments known = {"run", "model", "adapter", "dataset", "tokenizer", "plugins", "logger"};
    known.insert(known.end(), names.begin(), names.end());
    fail(is_kind ? "the pipeline has no " + name + " stage" : "no table or stage '" + name + "'",
         did_you_mean(name, known, "there are " + listed(known)));
    return std::nullopt;
  }

  std::optional<Target> in_stage(const std::string& name, const Segments& rest) {
    const auto index = stage(name);
    if (!index) return std::nullopt;
    RawStage& found = document_.stages[*index];
    const std::string path = "stage." + stage_names(document_)[*index];
    if (rest.size() == 1) return Target{&found.table, path, found.table.text("kind"), rest[0]};
    const bool operation = rest[0] == "operation";
    if (rest.size() != 3 || (!operation && rest[0] != "evaluator")) return no_such_form("write " + name + ".KEY=VALUE");
    RawTable* table = one_of(operation ? found.operations : found.evaluators, rest[1], rest[0]);
    if (!table) return std::nullopt;
    return Target{table, path + "." + rest[0], table->text("use"), rest[2]};
  }

  std::optional<Target> logger(const std::string& name, const std::string& key) {
    const auto is_named = [&](const RawTable& table) { return same(table.text("use"), name); };
    if (std::none_of(document_.loggers.begin(), document_.loggers.end(), is_named) && catalog_.find(Kind::logger, name))
      document_.loggers.push_back({where_, {{"use", name, where_, where_}}});
    RawTable* found = one_of(document_.loggers, name, "logger");
    if (!found) return std::nullopt;
    return Target{found, "logger", found->text("use"), key};
  }

  // Returns the table with that `use`, or at that index.
  RawTable* one_of(std::vector<RawTable>& tables, const std::string& name, const std::string& what) {
    std::vector<RawTable*> found;
    Segments names;
    for (size_t i = 0; i < tables.size(); ++i) {
      names.push_back(tables[i].text("use"));
      if (same(names.back(), name) || std::to_string(i) == name) found.push_back(&tables[i]);
    }
    if (found.size() == 1) return found[0];
    if (found.empty())
      fail("no " + what + " '" + name + "'",
           did_you_mean(name, names, names.empty() ? "there is none" : "there are " + listed(names)));
    else
      fail("'" + name + "' names more than one " + what, "give its number, from 0");
    return nullptr;
  }

  std::string use_in(const std::string& table) {
    const auto& slot = *document_.named(table);
    return use_of(table, slot ? *slot : RawTable{});
  }

  // Finds the table of a bare key, as nanoGPT writes it: only one table may have the key.
  std::optional<Target> bare(const std::string& key, const std::string& value = "VALUE") {
    std::vector<Segments> places;
    Segments shown, known;
    const auto look = [&](const Segments& place, const std::string& path, const std::string& use) {
      const auto owner = owner_of(path, use, catalog_);
      if (!owner) return;
      for (const ParamSpec& spec : owner->params) {
        known.push_back(spec.name);
        if (!same(spec.name, key)) continue;
        shown.push_back(place.back());
        places.push_back(place);
        places.back().push_back(key);
      }
    };
    for (const std::string name : {"run", "model", "dataset", "tokenizer"}) look({name}, name, use_in(name));
    const Segments names = stage_names(document_);
    const auto look_in_stages = [&](bool train) {
      for (size_t i = 0; i < names.size(); ++i)
        if (const std::string kind = document_.stages[i].table.text("kind"); (kind == "train") == train)
          look({"stage", names[i]}, "stage.", kind);
    };
    look_in_stages(/*train=*/true);
    if (names.empty()) look({"stage", "train"}, "stage.", "train");
    if (places.empty()) look_in_stages(/*train=*/false);

    if (places.size() == 1) return dotted(places[0]);
    if (!places.empty())
      fail("'" + key + "' is a key of " + owners_text(shown), "write " + shown[0] + "." + key + "=VALUE");
    else if (document_.named(key) || key == "stage" || key == "logger" || key == "adapter")
      fail("'" + key + "' is a table", hint_for_table_as_key(key, document_.named(key) ? use_in(key) : "", catalog_));
    else if (const std::string meant = apart_ ? key_meant(key, known) : ""; !meant.empty())
      fail("no key '" + key + "'", "write --" + meant + "=" + value);
    else
      fail("no key '" + key + "' in run, model, dataset, tokenizer or a stage", hint_for_bare_key(key, known));
    return std::nullopt;
  }

  void assign(const Target& target, const std::string& text) {
    ParamSpec spec;  // of a reserved key: a text
    spec.name = target.key;
    if (!is_reserved(target)) {
      const auto owner = owner_of(target.path, target.use, catalog_);
      if (!owner && !refuse_apart(target.key, text))
        target.table->set({with_underscores(target.key), parse_value(text), where_, where_});
      if (!owner) return;
      const auto found = std::find_if(owner->params.begin(), owner->params.end(),
                                      [&](const ParamSpec& param) { return same(param.name, target.key); });
      if (found == owner->params.end() && take_nanogpt(with_underscores(target.key), text, &target)) return;
      if (found == owner->params.end())
        return fail(owner->title + " has no parameter '" + target.key + "'", hint_for_key(target.key, *owner));
      spec = *found;
    }
    if (refuse_apart(spec.name, text)) return;
    try {
      target.table->set({spec.name, expand_variables(written_value(spec, text)), where_, where_});
    } catch (const Error& e) {
      errors_.add(e.code(), e.what(), e.hint(), where_);
    }
  }

  Document& document_;
  const Catalog& catalog_;
  ErrorList& errors_;
  Origin where_;
  bool apart_ = false;  // see Override
  std::string table_;   // "train.", when the key is given with its table
};

// Returns true for `use` and `kind`, which decide which other keys a table has.
bool decides_keys(const Override& item) {
  const std::string key = item.text.substr(0, item.text.find('='));
  return key.ends_with(".use") || key.ends_with(".kind");
}

}  // namespace

void apply_overrides(Document& document, const std::vector<Override>& overrides, const Catalog& catalog, ErrorList& errors) {
  std::vector<Override> ordered = overrides;
  std::stable_partition(ordered.begin(), ordered.end(), decides_keys);
  Overrider overrider(document, catalog, errors);
  for (const Override& item : ordered) overrider.apply(item);
}

std::vector<std::string> stage_names(const Document& document) {
  Segments names;
  for (const RawStage& stage : document.stages) names.push_back(stage.table.text("name"));
  for (size_t i = 0; i < names.size(); ++i) {
    if (!names[i].empty()) continue;
    const std::string kind = document.stages[i].table.text("kind");
    std::string name = kind.empty() ? "stage" : kind;
    for (int count = 2; std::find(names.begin(), names.end(), name) != names.end(); ++count)
      name = kind + "-" + std::to_string(count);
    names[i] = name;
  }
  return names;
}

}  // namespace gptcore
