#include "core/config/owner.h"

#include <algorithm>

#include "core/model/gpt_options.h"
#include "core/train/train_options.h"

namespace gptcore {
namespace {

struct PluginsOptions {
  std::vector<std::string> load;
  static void schema(Schema<PluginsOptions>& s) {
    s.param("load", &PluginsOptions::load, "plugin files beyond the installed ones").path();
  }
};

// When an operation runs; every condition that is given can start it. A key of every [[stage.operation]].
struct WhenOptions {
  std::optional<double> loss_below;
  std::optional<int64_t> after_iters;
  static void schema(Schema<WhenOptions>& s) {
    s.param("loss_below", &WhenOptions::loss_below, "the val loss fell below this");
    s.param("after_iters", &WhenOptions::after_iters, "so many updates of the stage are done").at_least(0);
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
  const Schema<WhenOptions> schema = schema_of<WhenOptions>();
  for (const auto& [key, value] : when->as<Table>()) {
    const auto& specs = schema.specs();
    const auto name = key;
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const ParamSpec& s) { return s.name == name; });
    if (spec == specs.end())
      found.push_back({"when", "'when' has no condition '" + key + "'", "there are loss_below and after_iters"});
    else if (const auto wrong = misfit(*spec, value))
      found.push_back({"when", "'when." + key + "' " + wrong->text, {}});
  }
  return found;
}

void add_when(Owner& owner) {
  if (owner.find("when")) return;
  ParamSpec when;
  when.name = "when";
  when.type = Type::table;
  when.doc = "conditions that start the operation: loss_below, after_iters";
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
  if (path.starts_with("stage.") && path.find(".operation") != std::string::npos) return Kind::operation;
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
  return owner;
}

}  // namespace gptcore
