#include "core/config/load.h"

#include <algorithm>

#include "core/config/check.h"
#include "core/config/operation_keys.h"
#include "core/config/operations_file.h"
#include "core/config/owner.h"
#include "core/config/sources.h"
#include "core/train/train_options.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (!item.empty() && std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

bool is_stage_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

class Loader {
 public:
  Loader(const LoadRequest& request, const Catalog& catalog) : request_(request), catalog_(catalog) {
    document_ = read_document(request.file, errors_);
    folders_ = {document_.folder, fs::current_path()};
  }

  PipelineConfig load() {
    override_all();
    PipelineConfig config;
    if (request_.file) config.file = fs::absolute(*request_.file).lexically_normal().string();
    config.run = section("run", {}, document_.run.value_or(absent()));
    const NamedPlugins named = named_plugins();
    config.plugin_files = named.files;
    config.plugins_override = named.replace;
    if (document_.tokenizer) config.tokenizer = item("tokenizer", *document_.tokenizer);
    if (document_.dataset) config.dataset = dataset(*document_.dataset);
    config.model = item("model", document_.model.value_or(absent()));
    config.adapters = items("adapter.", document_.adapters);
    load_stages(config);
    config.loggers = items("logger.", document_.loggers);
    errors_.throw_if_any();
    return config;
  }

  // Before any catalog: what is wrong is left for load() to report.
  NamedPlugins plugins_only() {
    std::vector<Override> own;
    for (const Override& item : request_.overrides)
      if (item.text.starts_with("plugins.")) own.push_back(item);
    apply_overrides(document_, own, catalog_, errors_);
    return named_plugins();
  }

 private:
  // Operations of a file are there for the other overrides as those of the pipeline are.
  void override_all() {
    const auto names_operations = [](const Override& item) {
      const std::string key = item.text.substr(0, item.text.find('='));
      return key.ends_with("operations_file") || key.ends_with("operations-file");
    };
    std::vector<Override> first, rest;
    for (const Override& item : request_.overrides) (names_operations(item) ? first : rest).push_back(item);
    apply_overrides(document_, first, catalog_, errors_);
    for (RawStage& stage : document_.stages) add_operations_file(stage);
    apply_overrides(document_, rest, catalog_, errors_);
  }

  void add_operations_file(RawStage& stage) {
    const Entry* entry = stage.table.find("operations_file");
    if (!entry || stage.table.text("kind") != "train" || !entry->value.is<std::string>()) return;
    const fs::path name = entry->value.as<std::string>();
    const bool from_file = entry->origin.source == Source::file;
    const fs::path shown = from_file ? fs::path(document_.shown).parent_path() / name : name;
    auto found = read_operations_file(((from_file ? folders_.file : folders_.current) / name).lexically_normal(),
                                      shown.lexically_normal().string(), entry->origin, errors_);
    for (RawTable& operation : found) stage.operations.push_back(std::move(operation));
  }

  RawTable absent() const { return {{Source::default_value, {document_.shown}, {}}, {}}; }

  Section section(const std::string& path, const std::string& use, const RawTable& table) {
    const auto owner = owner_of(path, use, catalog_);
    Section out = owner ? check_table(table, *owner, folders_, errors_) : Section{};
    out.path = path;
    out.use = use;
    return out;
  }

  Section item(const std::string& path, const RawTable& table) {
    const Kind kind = *item_kind(path);
    const Entry* use = table.find("use");
    if (!use && kind == Kind::model) return section(path, "gpt", table);
    const auto names = catalog_.names(kind);
    const std::string known = names.empty() ? "no plugin offers one" : "there are " + listed(names);
    if (!use) {
      errors_.add(Code::missing_key, "the " + std::string(name_of(kind)) + " needs 'use', its name", known, table.header);
    } else if (!use->value.is<std::string>()) {
      if (!use->value.empty())
        errors_.add(Code::wrong_type, std::string("'use' wants a string, got ") + type_name(use->value), known, use->origin);
    } else if (const std::string& name = use->value.as<std::string>(); catalog_.find(kind, name)) {
      return section(path, name, table);
    } else {
      errors_.add(Code::unknown_name, "no " + std::string(name_of(kind)) + " '" + name + "'",
                  did_you_mean(name, names, known + "; a plugin of yours goes into [plugins].load or --plugin"), use->origin);
    }
    return {};
  }

  Section dataset(const RawTable& table) {
    Section out = item("dataset", table);
    const Entry* source = table.find("source");
    if (source) complete_sources(out.values, source->origin, catalog_, folders_, errors_);
    return out;
  }

  std::vector<Section> items(const std::string& prefix, const std::vector<RawTable>& tables) {
    std::vector<Section> out;
    for (size_t i = 0; i < tables.size(); ++i) out.push_back(item(prefix + std::to_string(i), tables[i]));
    return out;
  }

  NamedPlugins named_plugins() {
    NamedPlugins out;
    for (const std::string& file : request_.plugin_files)
      add_once(out.files, (folders_.current / file).lexically_normal().string());
    if (!document_.plugins) return out;
    if (const Entry* load = document_.plugins->find("load"); load && load->value.is<List>())
      for (const Value& name : load->value.as<List>())
        if (name.is<std::string>() && name.as<std::string>().find('/') == std::string::npos)
          errors_.add(Code::out_of_range, "'load' wants paths, got the bare name " + to_toml(name),
                      "write " + to_toml(Value("./" + name.as<std::string>())), load->origin);
    const size_t mistakes = errors_.size();
    const Section checked = section("plugins", {}, *document_.plugins);
    if (errors_.size() != mistakes) return out;
    for (const std::string& file : checked_list(checked)) add_once(out.files, file);
    if (const Value* replaces = find(checked.values, "override")) out.replace = *replaces == Value(true);
    return out;
  }

  static std::vector<std::string> checked_list(const Section& plugins) {
    std::vector<std::string> files;
    if (const Value* load = find(plugins.values, "load"); load && !load->empty()) detail::from_value(*load, files);
    return files;
  }

  void load_stages(PipelineConfig& config) {
    const std::vector<std::string> names = stage_names(document_);
    for (size_t i = 0; i < names.size(); ++i) {
      const RawStage& raw = document_.stages[i];
      check_kind(raw.table);
      check_name(raw.table, names, i);
      StageConfig stage;
      stage.name = names[i];
      stage.kind = raw.table.text("kind");
      const std::string path = "stage." + names[i];
      stage.options = section(path, stage.kind, raw.table);
      stage.operations = items(path + ".operation.", raw.operations);
      stage.evaluators = items(path + ".evaluator.", raw.evaluators);
      if (stage.kind == "train" && errors_.empty()) check_triggers(stage, raw.operations);
      if (stage.kind != "train") refuse_tables(raw.operations, "a train stage's");
      if (stage.kind == "sample" || stage.kind == "prepare") refuse_tables(raw.evaluators, "a train or evaluate stage's");
      config.stages.push_back(std::move(stage));
    }
  }

  // Of tables that are right by themselves.
  void check_triggers(const StageConfig& stage, const std::vector<RawTable>& tables) {
    const auto options = stage.options.as<TrainOptions>();
    for (size_t i = 0; i < tables.size(); ++i) {
      const OperationKeys keys = operation_keys(stage.operations[i].values);
      const std::optional<When> when = keys.conditions();
      const ItemInfo* item = catalog_.find(Kind::operation, stage.operations[i].use);
      if (!when && item && item->events == 0)
        errors_.add(Code::missing_key, "operation '" + stage.operations[i].use + "' has no 'when', so it would never be asked",
                    "add when = { at_iter = N }, or another condition", tables[i].header);
      const std::string why = when && !keys.completed ? never_fires(*when, options) : "";
      if (why.empty()) continue;
      const Entry* entry = tables[i].find("when");
      errors_.add(Code::conflict, "operation '" + stage.operations[i].use + "' can never fire: " + why,
                  "change its trigger or leave it out", entry ? entry->key_at : tables[i].header);
    }
  }

  void refuse_tables(const std::vector<RawTable>& tables, const std::string& whose) {
    for (const RawTable& table : tables)
      errors_.add(Code::conflict, "this table is " + whose, "move it below one", table.header);
  }

  void check_kind(const RawTable& table) {
    const auto& kinds = stage_kinds();
    const std::string known = "there are " + listed(kinds);
    const Entry* kind = table.find("kind");
    if (!kind) {
      errors_.add(Code::missing_key, "a stage needs 'kind'", known, table.header);
    } else if (!kind->value.is<std::string>()) {
      if (!kind->value.empty())
        errors_.add(Code::wrong_type, std::string("'kind' wants a string, got ") + type_name(kind->value), known, kind->origin);
    } else if (std::find(kinds.begin(), kinds.end(), kind->value.as<std::string>()) == kinds.end()) {
      errors_.add(Code::unknown_name, "no stage kind " + to_toml(kind->value),
                  did_you_mean(kind->value.as<std::string>(), kinds, known), kind->origin);
    }
  }

  void check_name(const RawTable& table, const std::vector<std::string>& names, size_t index) {
    const Entry* name = table.find("name");
    if (!name || name->value.empty()) return;
    if (!name->value.is<std::string>())
      errors_.add(Code::wrong_type, std::string("'name' wants a string, got ") + type_name(name->value), {}, name->origin);
    else if (!is_stage_name(name->value.as<std::string>()))
      errors_.add(Code::out_of_range, "'name' wants a-z, 0-9, '_' and '-', got " + to_toml(name->value), {}, name->origin);
    else if (const auto own = names.begin() + static_cast<std::ptrdiff_t>(index);
             std::find(names.begin(), own, names[index]) != own)
      errors_.add(Code::conflict, "two stages are named '" + names[index] + "'", "rename one", name->origin);
  }

  const LoadRequest& request_;
  const Catalog& catalog_;
  ErrorList errors_;
  Document document_;
  Folders folders_;
};

}  // namespace

NamedPlugins plugins_of(const LoadRequest& request) {
  return Loader(request, Catalog{}).plugins_only();
}

PipelineConfig load_pipeline(const LoadRequest& request, const Catalog& catalog) {
  return Loader(request, catalog).load();
}

void require_for_run(const PipelineConfig& config) {
  ErrorList errors;
  const Origin where{Source::default_value, {config.run.location.file}, {}};
  if (config.stages.empty())
    errors.add(Code::missing_key, "nothing to run: no [[stage]]", "add [[stage]] with kind = \"train\"", where);
  if (!config.dataset)
    errors.add(Code::missing_key, "a run needs a [dataset]", "add [dataset] with use = \"text\" and files", where);
  errors.throw_if_any();
}

std::vector<std::string> files_used(const PipelineConfig& config, const Catalog& catalog) {
  std::vector<std::string> out;
  const auto add = [&](const Section& section) {
    const auto kind = item_kind(section.path);
    if (const ItemInfo* item = kind ? catalog.find(*kind, section.use) : nullptr) add_once(out, item->file);
  };
  if (config.tokenizer) add(*config.tokenizer);
  if (config.dataset) {
    add(*config.dataset);
    for (const std::string& name : sources_of(config.dataset->values))
      if (const ItemInfo* item = catalog.find(Kind::dataset, name)) add_once(out, item->file);
  }
  add(config.model);
  for (const Section& adapter : config.adapters) add(adapter);
  for (const StageConfig& stage : config.stages) {
    for (const Section& operation : stage.operations) {
      add(operation);
      const ItemInfo* item = catalog.find(Kind::operation, operation.use);
      if (item && (item->effects & kAdapts) != 0)  // it names the adapter when it plans
        for (const std::string& name : catalog.names(Kind::adapter)) add_once(out, catalog.find(Kind::adapter, name)->file);
    }
    for (const Section& evaluator : stage.evaluators) add(evaluator);
  }
  for (const Section& logger : config.loggers) add(logger);
  return out;
}

}  // namespace gptcore
