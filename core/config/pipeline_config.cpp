#include "core/config/pipeline_config.h"

#include "core/config/substitute.h"

namespace gptcore {
namespace {

void put_key(std::string& out, const std::string& key, const Value& value) {
  if (!value.empty()) out += key + " = " + to_toml(escape_variables(value)) + "\n";
}

void put_section(std::string& out, const std::string& header, const std::string& use, const Section& section) {
  out += (out.empty() ? "" : "\n") + header + "\n";
  if (!use.empty()) put_key(out, "use", use);
  for (const auto& [key, value] : section.values) put_key(out, key, value);
}

void put_stage(std::string& out, const StageConfig& stage) {
  out += "\n[[stage]]\n";
  put_key(out, "kind", stage.kind);
  put_key(out, "name", stage.name);
  for (const auto& [key, value] : stage.table.values)
    if (key != "operations_file" && key != "write_back") put_key(out, key, value);  // the file's operations follow
  for (const Section& operation : stage.operations) put_section(out, "[[stage.operation]]", operation.use, operation);
  for (const Section& evaluator : stage.evaluators) put_section(out, "[[stage.evaluator]]", evaluator.use, evaluator);
}

}  // namespace

std::string Location::text() const {
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Origin::text() const {
  switch (source) {
    case Source::file:
      return location.text();
    case Source::command_line:
      return argument;
    default:
      return argument.empty() ? "default" : argument;
  }
}

std::string Section::place_of(const std::string& key) const {
  for (size_t i = 0; i < values.size() && i < origins.size(); ++i)
    if (values[i].first == key && origins[i].source != Source::default_value) return origins[i].text();
  return location.text();
}

PipelineConfig PipelineConfig::started() const {
  PipelineConfig out = *this;
  for (auto& [key, value] : out.model.values)
    if (key == "init_from") value = "";
  return out;
}

std::string PipelineConfig::to_toml() const {
  std::string out;
  put_section(out, "[run]", "", run);
  if (!plugin_files.empty() || plugins_override) {
    out += "\n[plugins]\n";
    if (!plugin_files.empty()) put_key(out, "load", List(plugin_files.begin(), plugin_files.end()));
    if (plugins_override) put_key(out, "override", true);
  }
  if (tokenizer) put_section(out, "[tokenizer]", tokenizer->use, *tokenizer);
  if (dataset) put_section(out, "[dataset]", dataset->use, *dataset);
  put_section(out, "[model]", model.use, model);
  for (const Section& adapter : adapters) put_section(out, "[[adapter]]", adapter.use, adapter);
  for (const StageConfig& stage : stages) put_stage(out, stage);
  for (const Section& logger : loggers) put_section(out, "[[logger]]", logger.use, logger);
  if (loggers.empty()) put_section(out, "[[logger]]", kNoLogger, {});
  return out;
}

}  // namespace gptcore
