#include "testkit/tiny_run.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "core/builtin/core_items.h"
#include "core/config/load.h"
#include "core/config/owner.h"
#include "gptcore/error.h"
#include "gptcore/testing.h"
#include "testkit/tiny_text.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;
using testing::TinyModel;

const Table& tiny_sizes() {
  static const Table sizes = {{"n_layer", TinyModel::kLayers},
                              {"n_head", TinyModel::kHeads},
                              {"n_embd", TinyModel::kWidth},
                              {"block_size", TinyModel::kBlockSize}};
  return sizes;
}

Table with(Table table, const Table& more) {
  for (const auto& [key, value] : more) {
    const auto same = std::find_if(table.begin(), table.end(), [k = &key](const auto& entry) { return entry.first == *k; });
    if (same == table.end())
      table.emplace_back(key, value);
    else
      same->second = value;
  }
  return table;
}

std::string table_text(const std::string& header, const std::string& use, const Table& values) {
  std::string out = header + "\n";
  if (!use.empty()) out += "use = " + to_toml(Value(use)) + "\n";
  for (const auto& [key, value] : values) out += key + " = " + to_toml(value) + "\n";
  return out + "\n";
}

// Returns the tiny sizes that a plugin's model has parameters for; the rest keep their defaults.
Table sizes_for(const std::string& file, const std::string& model) {
  Table out;
  const PluginFile plugin = read_plugin_file(file);
  for (const ItemInfo& item : plugin.items)
    for (const ParamSpec& spec : item.params)
      if (const Value* size = find(tiny_sizes(), spec.name); size && item.kind == Kind::model && item.name == model)
        if (!misfit(spec, *size)) out.emplace_back(spec.name, *size);
  return out;
}

// Returns the built-in item's name, also when the plan's file has another item of that name.
std::string built_in(const TinyPlan& plan, Kind kind, const std::string& name) {
  if (plan.file.empty()) return name;
  const PluginFile plugin = read_plugin_file(plan.file);
  const bool taken = std::any_of(plugin.items.begin(), plugin.items.end(),
                                 [&](const ItemInfo& item) { return item.kind == kind && item.name == name; });
  return taken && plugin.name != name ? name + ":" + name : name;
}

std::string item_or(const TinyPlan& plan, Kind kind, const std::string& header, const std::string& item, const Table& values) {
  if (plan.kind == kind) return table_text(header, plan.item, with(values, plan.parameters));
  return item.empty() ? "" : table_text(header, built_in(plan, kind, item), values);
}

// An operation that names no events fires once, in the middle of the shortest run.
Table at_five() {
  return {{"when", Table{{"at_iter", 5}}}};
}

bool needs_when(const TinyPlan& plan) {
  if (plan.kind != Kind::operation || find(plan.parameters, "when") || plan.steps < 5) return false;
  const PluginFile plugin = read_plugin_file(plan.file);
  return std::any_of(plugin.items.begin(), plugin.items.end(), [&](const ItemInfo& item) {
    return item.kind == Kind::operation && item.name == plan.item && item.events == 0;
  });
}

std::string stage_text(const TinyPlan& plan) {
  const Table tiny = {{"max_iters", plan.steps}, {"batch_size", 4},           {"learning_rate", 1e-2},
                      {"schedule", "constant"},  {"eval_interval", 5},        {"eval_iters", 2},
                      {"log_interval", 1},       {"checkpoint_interval", 10}, {"keep_checkpoints", 1000000}};
  return "[[stage]]\nkind = \"train\"\n" + table_text("", "", with(tiny, plan.settings));
}

// Returns the items of the core, of the plan's file and of the built-in plugins. The plan's own win over built-in ones.
Catalog catalog_of(const TinyPlan& plan) {
  Catalog catalog;
  add_core_items(catalog);
  const auto add = [&](const std::string& file) {
    for (const ItemInfo& item : read_plugin_file(file).items) catalog.add(item);
  };
  if (!plan.file.empty()) add(plan.file);
  std::vector<std::string> built_in;
  for (const auto& entry : fs::directory_iterator(fs::path(built_in_plugin("char")).parent_path()))
    if (entry.path().extension() == ".so") built_in.push_back(entry.path().string());
  std::sort(built_in.begin(), built_in.end());
  for (const std::string& file : built_in) add(file);
  return catalog;
}

}  // namespace

std::string tiny_pipeline(const TinyPlan& plan, const fs::path& folder) {
  const Table run = {{"out_dir", (folder / "run").string()},
                     {"seed", static_cast<int64_t>(TinyModel::kSeed)},
                     {"device", "cpu"},
                     {"threads", 1},
                     {"peak_tflops", 1}};
  const Table text = {{"files", List{(folder / "tiny.txt").string()}}};
  const bool own_data = plan.kind == Kind::dataset;
  std::string out = table_text("[run]", "", run);
  // A dataset need not teach its tokenizer, so it gets one that has nothing to learn.
  out += item_or(plan, Kind::tokenizer, "[tokenizer]", own_data ? "byte" : "char", {});
  out += item_or(plan, Kind::dataset, "[dataset]", "text", own_data ? Table{} : text);
  const bool own_model = plan.kind == Kind::model;
  out += item_or(plan, Kind::model, "[model]", "gpt", own_model ? sizes_for(plan.file, plan.item) : tiny_sizes());
  out += item_or(plan, Kind::adapter, "[[adapter]]", "", {{"targets", List{"blocks.*.attn.qkv"}}});
  out += stage_text(plan);
  out += item_or(plan, Kind::operation, "[[stage.operation]]", "", needs_when(plan) ? at_five() : Table{});
  out += item_or(plan, Kind::evaluator, "[[stage.evaluator]]", "", {});
  out += item_or(plan, Kind::logger, "[[logger]]", "", {});
  if (const std::string jsonl = built_in(plan, Kind::logger, "jsonl"); plan.kind != Kind::logger || plan.item != jsonl)
    out += table_text("[[logger]]", jsonl, {});
  return out;
}

RunPlan load_tiny_plan(const TinyPlan& plan, const fs::path& folder) {
  write_tiny_text(folder);
  const fs::path file = folder / "pipeline.toml";
  std::ofstream(file) << tiny_pipeline(plan, folder);
  const Catalog catalog = catalog_of(plan);
  RunPlan out;
  out.config = load_pipeline({file.string(), {}, {}}, catalog);
  out.plugin_files = files_used(out.config, catalog);
  if (!plan.file.empty()) {
    const std::string own = read_plugin_file(plan.file).path;
    if (std::find(out.plugin_files.begin(), out.plugin_files.end(), own) == out.plugin_files.end())
      out.plugin_files.push_back(own);
  }
  out.resume = plan.resume;
  return out;
}

Table item_values(const PipelineConfig& config, Kind kind, const std::string& item) {
  std::vector<Section> sections = {config.model};
  if (config.tokenizer) sections.push_back(*config.tokenizer);
  if (config.dataset) sections.push_back(*config.dataset);
  const auto append = [&](const std::vector<Section>& more) { sections.insert(sections.end(), more.begin(), more.end()); };
  append(config.adapters);
  append(config.loggers);
  for (const StageConfig& stage : config.stages) {
    append(stage.operations);
    append(stage.evaluators);
  }
  for (const Section& section : sections)
    if (section.use == item && item_kind(section.path) == kind) return section.values;
  throw Error(Code::internal, "the tiny pipeline does not use '" + item + "'");
}

fs::path write_tiny_text(const fs::path& folder) {
  const fs::path path = folder / "tiny.txt";
  std::ofstream out(path, std::ios::binary);
  out << tiny_text();
  out.close();
  if (!out) throw Error(Code::io, "cannot write the tiny text", "is the disk full?", path.string());
  const char* const named = std::getenv("GPTCORE_TINY_TEXT");
  if (!named || !fs::exists(named)) ::setenv("GPTCORE_TINY_TEXT", path.c_str(), /*overwrite=*/1);
  return path;
}

std::string failure_text(const std::exception& failure) {
  if (const auto* error = dynamic_cast<const Error*>(&failure)) return error->line();
  const std::string text = failure.what();
  return text.substr(0, text.find("\nException raised from"));
}

std::string built_in_plugin(const std::string& name) {
  Dl_info here{};
  if (::dladdr(reinterpret_cast<const void*>(&built_in_plugin), &here) == 0 || !here.dli_fname)
    throw Error(Code::internal, "the place of libgptcore.so is not known");
  const fs::path file = fs::canonical(here.dli_fname).parent_path() / "gptcore/plugins" / (name + ".so");
  if (!fs::exists(file))
    throw Error(Code::plugin_missing, "the built-in plugin '" + name + "' is not beside libgptcore.so",
                "install gptcore again: its library and its plugins belong together", file.string());
  return file.string();
}

}  // namespace gptcore
