#include "core/config/owner.h"

#include <algorithm>

#include "core/config/suggest.h"
#include "core/model/gpt_options.h"
#include "core/train/train_options.h"
#include "core/train/when.h"

namespace gptcore {
namespace {

struct PluginsOptions {
  std::vector<std::string> load;
  static void schema(Schema<PluginsOptions>& s) {
    s.param("load", &PluginsOptions::load, "plugin files beyond the installed ones").path();
  }
};

// The core's own keys of an [[adapter]].
struct AdapterOptions {
  std::vector<std::string> targets;
  bool train_base = false;
  static void schema(Schema<AdapterOptions>& s) {
    s.param("targets", &AdapterOptions::targets, "paths of the layers it is put on; * stands for any text").required();
    s.param("train_base", &AdapterOptions::train_base, "the model's own parameters are trained too");
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

std::optional<Owner> stage_owner(const std::string& kind) {
  const std::string title = (kind == "evaluate" ? "an " : "a ") + kind + " stage";
  if (kind == "train") return core_owner<TrainOptions>(title, {"kind", "name"});
  if (kind == "evaluate") return core_owner<EvaluateOptions>(title, {"kind", "name"});
  if (kind == "sample") return core_owner<SampleOptions>(title, {"kind", "name"});
  return std::nullopt;
}

Problems check_when(const Table& values) {
  Problems found;
  const Value* when = find(values, "when");
  if (!when || when->empty()) return found;
  const Schema<When> schema = schema_of<When>();
  std::vector<std::string> names;
  for (const ParamSpec& spec : schema.specs()) names.push_back(spec.name);
  for (const auto& [key, value] : when->as<Table>()) {
    const auto at = std::find(names.begin(), names.end(), key);
    if (at == names.end())
      found.push_back({"when", "'when' has no condition '" + key + "'", did_you_mean(key, names, "there are " + listed(names))});
    else if (const auto wrong = misfit(schema.specs()[static_cast<size_t>(at - names.begin())], value))
      found.push_back({"when", "'when." + key + "' " + wrong->text, {}});
  }
  if (!found.empty()) return found;
  When conditions;
  schema.assign(when->as<Table>(), conditions);
  return schema.problems(conditions);
}

void add_when(Owner& owner) {
  if (owner.find("when")) return;
  ParamSpec when;
  when.name = "when";
  when.type = Type::table;
  when.doc = "when it is asked: { every = 10 }, or at_iter, or loss_below and after_iters";
  owner.params.push_back(std::move(when));
  owner.check = [own = owner.check](const Table& values) {
    Problems found = own ? own(values) : Problems{};
    for (Problem& problem : check_when(values)) found.push_back(std::move(problem));
    return found;
  };
}

Table preset_values(const Table& given, std::string& origin) {
  const Value* preset = find(given, "preset");
  if (!preset || !preset->is<std::string>()) return {};
  origin = "preset " + preset->as<std::string>();
  return gpt_preset(preset->as<std::string>());
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
  static const std::vector<std::string> kinds = {"train", "evaluate", "sample"};
  return kinds;
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
  if (*kind == Kind::model && item->plugin == "core") owner.preset = preset_values;
  if (*kind == Kind::operation) add_when(owner);
  if (*kind == Kind::adapter) {
    const Schema<AdapterOptions> own = schema_of<AdapterOptions>();
    owner.params.insert(owner.params.end(), own.specs().begin(), own.specs().end());
  }
  return owner;
}

}  // namespace gptcore
