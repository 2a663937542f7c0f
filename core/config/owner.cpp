#include "core/config/owner.h"

#include <algorithm>

#include "core/config/config_errors.h"
#include "core/config/init_from.h"
#include "core/config/operation_keys.h"
#include "core/data/prepare_options.h"
#include "core/model/gpt_options.h"
#include "core/train/train_options.h"

namespace gptcore {
namespace {

struct PluginsOptions {
  std::vector<std::string> load;
  bool replaces = false;
  static void schema(Schema<PluginsOptions>& s) {
    s.param("load", &PluginsOptions::load, "plugin files beyond the installed ones").path();
    s.param("override", &PluginsOptions::replaces,
            "an item of these may have the name of an installed plugin's: it is used then");
  }
};

// The core's own keys of an [[adapter]].
struct AdapterOptions {
  std::vector<std::string> targets;
  bool train_base = false;
  std::string load;
  static void schema(Schema<AdapterOptions>& s) {
    s.param("targets", &AdapterOptions::targets, "paths of the layers it is put on; * stands for any text").required();
    s.param("train_base", &AdapterOptions::train_base, "the model's own parameters are trained too");
    s.param("load", &AdapterOptions::load, "a new run starts from the adapters of this file").path();
  }
};

template <class T> Owner core_owner(std::string title, std::vector<std::string> reserved = {}) {
  return {std::move(title),
          schema_of<T>().specs(),
          std::move(reserved),
          [](const Table& values) {
            T object;
            schema_of<T>().assign(values, object);
            return schema_of<T>().problems(object);
          },
          {}};
}

// The core's own keys of a train stage that name its operations.
struct OperationsFileOptions {
  std::optional<std::string> operations_file;
  bool write_back = false;
  static void schema(Schema<OperationsFileOptions>& s) {
    s.param("operations_file", &OperationsFileOptions::operations_file, "YAML or JSON list of operations, carried out in order")
        .path();
    s.param("write_back", &OperationsFileOptions::write_back, "sets `completed: true` in that file when one is done");
  }
};

Owner train_owner(const std::string& title) {
  Owner owner = core_owner<TrainOptions>(title, {"kind", "name"});
  const Schema<OperationsFileOptions> own = schema_of<OperationsFileOptions>();
  owner.params.insert(owner.params.end(), own.specs().begin(), own.specs().end());
  owner.check = [check = owner.check](const Table& values) {
    Problems found = check(values);
    const Value *file = find(values, "operations_file"), *back = find(values, "write_back");
    if (*back == Value(true) && file->empty())
      found.push_back({"write_back", "write_back without an operations_file", "leave it out; progress is in every checkpoint"});
    return found;
  };
  return owner;
}

std::optional<Owner> stage_owner(const std::string& kind) {
  const std::string title = (kind == "evaluate" ? "an " : "a ") + kind + " stage";
  if (kind == "train") return train_owner(title);
  if (kind == "evaluate") return core_owner<EvaluateOptions>(title, {"kind", "name"});
  if (kind == "prepare") return core_owner<PrepareOptions>(title, {"kind", "name"});
  if (kind == "sample") return core_owner<SampleOptions>(title, {"kind", "name"});
  return std::nullopt;
}

// The key's text, or "".
std::string text_of(const Table& given, const std::string& key) {
  const Value* value = find(given, key);
  return value && value->is<std::string>() ? value->as<std::string>() : std::string();
}

// What a model that starts from another one must have of it. Tokens can be added, and positions left out at the end.
std::string refusal_of_size(const Table& source, const std::string& key, const Value& given, const Value& own) {
  if (given == own) return {};
  const bool sizes = given.is<int64_t>() && own.is<int64_t>();
  if (sizes && key == "vocab_size")
    return given.as<int64_t>() > own.as<int64_t>()
               ? std::string()
               : "a vocabulary can grow and not shrink: leave it out, or give " + to_toml(own) + " or more";
  if (sizes && key == "block_size") {
    const Value* rotary = find(source, "rotary");
    return given.as<int64_t>() < own.as<int64_t>() || (rotary && *rotary == Value(true))
               ? std::string()
               : "it has learned no further positions: leave it out, or give " + to_toml(own) + " or less";
  }
  return "leave it out, or give the same value";
}

Preset model_preset(const Table& given, const Table& written) {
  const std::string preset = text_of(given, "preset"), init_from = text_of(given, "init_from");
  if (init_from.empty()) return {"preset", "preset " + preset, gpt_preset(preset), {}, {}};
  Preset out{"init_from", "init_from " + init_from, {}, {}, {}};
  try {
    parse_init_from(text_of(written, "init_from"));
    const InitFrom from = parse_init_from(init_from);
    // Before a download the preset tells the sizes; the run that wants the weights says that they are not there.
    if (!gpt_preset(preset).empty() && !std::filesystem::exists(from.path))
      return {"preset", "preset " + preset, gpt_preset(preset), {}, {}};
    out.values = values_of(from);
    out.refusal = [source = out.values](const std::string& key, const Value& value, const Value& own) {
      return refusal_of_size(source, key, value, own);
    };
    for (const auto& [key, value] : gpt_preset(preset))
      if (const Value* other = find(out.values, key); other && *other != value)
        throw Error(
            Code::conflict,
            "preset \"" + preset + "\" has " + key + " = " + to_toml(value) + ", and " + init_from + " has " + to_toml(*other),
            "leave preset out: init_from gives all sizes");
  } catch (const Error& e) {
    out.error = e;
  } catch (const ConfigErrors& e) {
    out.error = e.errors().front();
  }
  return out;
}

}  // namespace

const ParamSpec* Owner::find(const std::string& key) const {
  const auto found = std::find_if(params.begin(), params.end(), [&](const ParamSpec& spec) { return spec.name == key; });
  return found == params.end() ? nullptr : &*found;
}

std::vector<std::string> Owner::keys() const {
  std::vector<std::string> out = reserved;
  for (const ParamSpec& spec : params) out.push_back(spec.name);
  return out;
}

const std::vector<std::string>& stage_kinds() {
  static const std::vector<std::string> kinds = {"train", "evaluate", "sample", "prepare"};
  return kinds;
}

namespace {

ParamSpec text_key(const std::string& name, const std::string& doc, bool required) {
  ParamSpec spec;
  spec.name = name;
  spec.doc = doc;
  spec.required = required;
  return spec;
}

CoreTable item_table(const std::string& header, const std::string& doc, const std::string& use,
                     std::vector<ParamSpec> more = {}) {
  CoreTable out{header, doc, {text_key("use", use, /*required=*/true)}};
  out.params.insert(out.params.end(), more.begin(), more.end());
  return out;
}

CoreTable stage_table(const std::string& kind, const std::string& doc) {
  ParamSpec name =
      text_key("name", "the stage's name in overrides and records: a-z, 0-9, '_' and '-'; not given: its kind", false);
  CoreTable out{"[[stage]] with kind = \"" + kind + "\"", doc, {std::move(name)}};
  const std::vector<ParamSpec> own = stage_owner(kind)->params;
  out.params.insert(out.params.end(), own.begin(), own.end());
  return out;
}

}  // namespace

std::vector<CoreTable> core_tables() {
  const std::string item_keys = "Its item's own keys are in plugins/parameters.md.";
  ParamSpec model = text_key("use", "the model's name", false);
  model.fallback = "gpt";
  return {{"[run]", "What holds for the whole run.", schema_of<RunOptions>().specs()},
          {"[plugins]", "Plugins beyond the installed ones.", schema_of<PluginsOptions>().specs()},
          item_table("[tokenizer]", item_keys, "the tokenizer's name"),
          item_table("[dataset]", item_keys, "the dataset's name"),
          {"[model]", item_keys, {model}},
          item_table("[[adapter]]", item_keys, "the adapter's name", schema_of<AdapterOptions>().specs()),
          stage_table("train", "Trains the model. Stages run in the file's order."),
          item_table("[[stage.operation]]", "Below a train stage. " + item_keys, "the operation's name",
                     schema_of<OperationKeys>().specs()),
          {"when = { ... } of [[stage.operation]]", "The conditions: any of them, or with `all` every one.",
           schema_of<When>().specs()},
          item_table("[[stage.evaluator]]", "Below a train or evaluate stage. " + item_keys, "the evaluator's name"),
          stage_table("evaluate", "Measures the loss."),
          stage_table("sample", "Writes text."),
          stage_table("prepare", "Writes the dataset as files of tokens."),
          item_table(
              "[[logger]]",
              "Without any, a run writes to the terminal and metrics.jsonl; `use = \"none\"` switches both off. " + item_keys,
              "the logger's name, or none")};
}

std::optional<Kind> item_kind(const std::string& path) {
  if (path == "tokenizer") return Kind::tokenizer;
  if (path == "dataset") return Kind::dataset;
  if (path == "model") return Kind::model;
  if (path.starts_with("logger")) return Kind::logger;
  if (path.starts_with("adapter")) return Kind::adapter;
  if (!path.starts_with("stage.")) return std::nullopt;
  const size_t dot = path.find('.', std::string_view("stage.").size());  // behind the stage's name
  const std::string inner = dot == std::string::npos ? "" : path.substr(dot + 1);
  if (inner.starts_with("operation")) return Kind::operation;
  if (inner.starts_with("evaluator")) return Kind::evaluator;
  return std::nullopt;
}

std::optional<Owner> owner_of(const std::string& path, const std::string& use, const Catalog& catalog) {
  if (path == "run") return core_owner<RunOptions>("[run]");
  if (path == "plugins") return core_owner<PluginsOptions>("[plugins]");
  const auto kind = item_kind(path);
  if (!kind) return stage_owner(use);
  const ItemInfo* item = catalog.find(*kind, use);
  if (!item) return std::nullopt;
  Owner owner{std::string(name_of(*kind)) + " '" + use + "'", item->params, {"use"}, {}, {}};
  if (item->check) owner.check = item->check;
  if (*kind == Kind::model && item->plugin == "core") owner.preset = model_preset;
  if (*kind == Kind::operation) add_operation_keys(owner);
  if (*kind == Kind::adapter) {
    const Schema<AdapterOptions> own = schema_of<AdapterOptions>();
    owner.params.insert(owner.params.end(), own.specs().begin(), own.specs().end());
  }
  return owner;
}

}  // namespace gptcore
