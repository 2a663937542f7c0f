#include "core/config/owner.h"

#include <algorithm>

#include "core/config/core_owner.h"
#include "core/config/operation_keys.h"
#include "core/config/stage_kinds.h"
#include "core/options/gpt_options.h"
#include "core/options/run_options.h"
#include "core/options/when.h"

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

CoreTable stage_table(const StageKind& kind) {
  ParamSpec name =
      text_key("name", "the stage's name in overrides and records: a-z, 0-9, '_' and '-'; not given: its kind", false);
  CoreTable out{"[[stage]] with kind = \"" + kind.name + "\"", kind.doc, {std::move(name)}};
  out.params.insert(out.params.end(), kind.owner.params.begin(), kind.owner.params.end());
  return out;
}

}  // namespace

std::vector<CoreTable> core_tables() {
  const std::string item_keys = "Its item's own keys are in plugins/parameters.md.";
  ParamSpec model = text_key("use", "the model's name", false);
  model.fallback = "gpt";
  std::vector<CoreTable> tables = {
      {"[run]", "What holds for the whole run.", schema_of<RunOptions>().specs()},
      {"[plugins]", "Plugins beyond the installed ones.", schema_of<PluginsOptions>().specs()},
      item_table("[tokenizer]", item_keys, "the tokenizer's name"),
      item_table("[dataset]", item_keys, "the dataset's name"),
      {"[model]", item_keys, {model}},
      item_table("[[adapter]]", item_keys, "the adapter's name", schema_of<AdapterOptions>().specs())};
  for (const StageKind& kind : stage_kinds()) {
    tables.push_back(stage_table(kind));
    if (kind.takes_operations) {
      tables.push_back(item_table("[[stage.operation]]", "Below a train stage. " + item_keys, "the operation's name",
                                  schema_of<OperationKeys>().specs()));
      tables.push_back({"when = { ... } of [[stage.operation]]", "The conditions: any of them, or with `all` every one.",
                        schema_of<When>().specs()});
      tables.push_back(
          item_table("[[stage.evaluator]]", "Below a train or evaluate stage. " + item_keys, "the evaluator's name"));
    }
  }
  tables.push_back(item_table(
      "[[logger]]",
      "Without any, a run writes to the terminal and metrics.jsonl; `use = \"none\"` switches both off. " + item_keys,
      "the logger's name, or none"));
  return tables;
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
  if (!kind) {
    const StageKind* stage = find_stage_kind(use);
    return stage ? std::optional(stage->owner) : std::nullopt;
  }
  const ItemInfo* item = catalog.find(*kind, use);
  if (!item) return std::nullopt;
  Owner owner{std::string(name_of(*kind)) + " '" + use + "'", item->params, {"use"}, {}, {}};
  if (item->check) owner.check = item->check;
  owner.preset = item->preset;
  if (*kind == Kind::operation) add_operation_keys(owner);
  if (*kind == Kind::adapter) {
    const Schema<AdapterOptions> own = schema_of<AdapterOptions>();
    owner.params.insert(owner.params.end(), own.specs().begin(), own.specs().end());
  }
  return owner;
}

bool is_cosmetic(const std::string& setting) {
  const size_t dot = setting.rfind('.');
  const std::string table = setting.substr(0, setting.find('.')), key = setting.substr(dot == std::string::npos ? 0 : dot + 1);
  const auto holds = [&](const std::vector<ParamSpec>& specs) {
    return std::any_of(specs.begin(), specs.end(), [&](const ParamSpec& spec) { return spec.cosmetic && spec.name == key; });
  };
  if (table == "logger") return true;
  if (table == "run") return holds(schema_of<RunOptions>().specs());
  if (table == "model") return holds(schema_of<GptOptions>().specs());
  return holds(schema_of<OperationKeys>().specs()) ||
         std::any_of(stage_kinds().begin(), stage_kinds().end(),
                     [&](const StageKind& kind) { return holds(kind.owner.params); });
}

}  // namespace gptcore
