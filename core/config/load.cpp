#include "core/config/load.h"

#include <algorithm>
#include <cctype>

#include "core/config/check.h"
#include "core/config/default_loggers.h"
#include "core/config/input_files.h"
#include "core/config/near_misses.h"
#include "core/config/operations_file.h"
#include "core/config/owner.h"
#include "core/config/sources.h"
#include "core/config/stage_checks.h"
#include "core/options/run_options.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (!item.empty() && std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

// The file's name without its ending, as a folder's name.
std::string run_name_of(const std::string& file) {
  std::string name = fs::path(file).stem().string();
  name.erase(0, name.find_first_not_of('.'));
  const auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.'; };
  std::replace_if(
      name.begin(), name.end(), [&](char c) { return !fits(c); }, '-');
  constexpr size_t kLongest = 100;
  return name.empty() ? RunOptions{}.name : name.substr(0, kLongest);
}

class Loader {
 public:
  Loader(const LoadRequest& request, const Catalog& catalog, Document document, const Folders& folders, ErrorList errors)
      : request_(request), catalog_(catalog), errors_(std::move(errors)), document_(std::move(document)), folders_(folders) {}

  PipelineConfig load() {
    for (const auto& [name, where] : document_.unknown)
      errors_.add(Code::unknown_key, "no table '" + name + "'", hint_for_table(name, catalog_), where);
    add_default_loggers(document_, request_.default_loggers, catalog_);
    override_all();
    PipelineConfig config;
    if (request_.file) config.file = fs::absolute(*request_.file).lexically_normal().string();
    config.run = run_section();
    const NamedPlugins named = named_plugins();
    config.plugin_files = named.files;
    config.plugins_override = named.replace;
    if (document_.tokenizer) config.tokenizer = item("tokenizer", *document_.tokenizer);
    if (document_.dataset) config.dataset = dataset(*document_.dataset);
    config.model = item("model", document_.model.value_or(absent()));
    config.adapters = items("adapter.", document_.adapters);
    load_stages(config);
    take_no_logger(document_, errors_);
    config.loggers = items("logger.", document_.loggers);
    refuse_alike(config.loggers, document_.loggers, errors_);
    if (request_.for_run) require_parts();
    if (request_.check_files) check_files(config);
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
  void require_parts() {
    const Origin where = absent().header;
    if (document_.stages.empty())
      errors_.add(Code::missing_key, "nothing to run: no [[stage]]", "add [[stage]] with kind = \"train\"", where);
    if (!document_.dataset)
      errors_.add(Code::missing_key, "a run needs a [dataset]", "add [dataset] with use, its name", where);
  }

  void check_files(const PipelineConfig& config) {
    for (const std::optional<Section>* section : {&config.tokenizer, &config.dataset})
      if (*section) check_input_files(**section, catalog_, errors_);
    check_input_files(config.model, catalog_, errors_);
    for (const Section& section : config.adapters) check_input_files(section, catalog_, errors_);
    for (const StageConfig& stage : config.stages) {
      if (stage.kind == "sample") check_prompt_file(stage.table, errors_);
      for (const auto* sections : {&stage.operations, &stage.evaluators})
        for (const Section& section : *sections) check_input_files(section, catalog_, errors_);
    }
  }

  // A run is named after its pipeline file.
  Section run_section() {
    Owner owner = *owner_of("run", {}, catalog_);
    if (request_.file)
      owner.preset = [this](const Table&, const Table&) {
        return Preset{"name", "the pipeline file's name", {{"name", run_name_of(*request_.file)}}, {}, {}};
      };
    Section out = check_table(document_.run.value_or(absent()), owner, folders_, errors_);
    out.path = "run";
    return out;
  }

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
        errors_.add(Code::wrong_type, std::string("'use' expects a string, got ") + type_name(use->value), known, use->origin);
    } else if (const std::string& name = use->value.as<std::string>(); catalog_.find(kind, name)) {
      return section(path, name, table);
    } else {
      errors_.add(Code::unknown_name, "no " + std::string(name_of(kind)) + " '" + name + "'",
                  hint_for_item(kind, name, catalog_), use->origin);
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
          errors_.add(Code::out_of_range, "'load' expects paths, got the bare name " + to_toml(name),
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
    refuse_names_of_unnamed(document_.stages, errors_);
    const std::vector<std::string> names = stage_names(document_);
    for (size_t i = 0; i < names.size(); ++i) {
      const RawStage& raw = document_.stages[i];
      const size_t mistakes = errors_.size();
      check_stage_keys(raw.table, names, i, errors_);
      StageConfig stage;
      stage.name = names[i];
      stage.kind = raw.table.text("kind");
      const std::string path = "stage." + names[i];
      stage.table = section(path, stage.kind, raw.table);
      if (stage.kind == "sample") resolve_prompt(stage.table, folders_);
      stage.operations = items(path + ".operation.", raw.operations);
      stage.evaluators = items(path + ".evaluator.", raw.evaluators);
      const StageKind* kind = find_stage_kind(stage.kind);
      if (kind && errors_.size() == mistakes) {
        stage.options = kind->options(stage.table);
        if (kind->takes_operations) check_triggers(stage, raw.operations, catalog_, errors_);
      }
      refuse_misplaced(raw, kind, errors_);
      config.stages.push_back(std::move(stage));
    }
  }

  const LoadRequest& request_;
  const Catalog& catalog_;
  ErrorList errors_;
  Document document_;
  const Folders& folders_;
};

}  // namespace

PipelineLoader::PipelineLoader(LoadRequest request)
    : request_(std::move(request)),
      document_(read_document(request_.file, errors_)),
      folders_{document_.folder, fs::current_path()} {}

NamedPlugins PipelineLoader::plugins() const {
  return Loader(request_, Catalog{}, document_, folders_, errors_).plugins_only();
}

PipelineConfig PipelineLoader::load(const Catalog& catalog) const {
  return Loader(request_, catalog, document_, folders_, errors_).load();
}

PipelineConfig load_pipeline(const LoadRequest& request, const Catalog& catalog) {
  return PipelineLoader(request).load(catalog);
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
  if (const ItemInfo* model = catalog.find(Kind::model, config.model.use); model && model->tokenizers)
    for (const std::string& name : model->tokenizers(config.model.values))
      if (const ItemInfo* item = catalog.find(Kind::tokenizer, name)) add_once(out, item->file);
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
