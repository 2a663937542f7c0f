#include "core/config/explain.h"

#include <algorithm>

#include "core/config/near_misses.h"
#include "core/config/owner.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

std::string with_underscores(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

// Returns the hint for a key that is not one of `known`, which are written as the key is: with their tables, or alone.
std::string hint_for(const std::string& key, const std::vector<std::string>& known) {
  const size_t at = key.rfind('.') + 1;
  std::vector<std::string> names;
  for (const std::string& path : known) names.push_back(path.substr(path.rfind('.') + 1));
  const std::string meant = same_meaning(key.substr(at), names), here = key.substr(0, at) + meant;
  if (meant.empty()) return did_you_mean(key, known, "leave the key out to see all");
  const bool is_here = std::find(known.begin(), known.end(), here) != known.end();
  const auto found = std::find(names.begin(), names.end(), meant);
  return "did you mean '" + (is_here ? here : known[static_cast<size_t>(found - names.begin())]) + "'?";
}

}  // namespace

std::vector<Explanation> explain(const PipelineConfig& config, const Catalog& catalog) {
  std::vector<Explanation> out;
  const auto add = [&](const Section& section) {
    const auto owner = owner_of(section.path, section.use, catalog);
    if (!owner) return;
    const bool in_stage = section.path.starts_with("stage.");
    const std::string prefix = (in_stage ? section.path.substr(section.path.find('.') + 1) : section.path) + '.';
    for (size_t i = 0; i < section.values.size(); ++i) {
      const auto& [key, value] = section.values[i];
      if (const ParamSpec* spec = owner->find(key)) out.push_back({prefix + key, *spec, value, section.origins[i]});
    }
  };
  add(config.run);
  if (config.tokenizer) add(*config.tokenizer);
  if (config.dataset) add(*config.dataset);
  add(config.model);
  for (const Section& adapter : config.adapters) add(adapter);
  for (const StageConfig& stage : config.stages) {
    add(stage.table);
    for (const Section& operation : stage.operations) add(operation);
    for (const Section& evaluator : stage.evaluators) add(evaluator);
  }
  for (const Section& logger : config.loggers) add(logger);
  return out;
}

std::vector<Explanation> explain(const PipelineConfig& config, const Catalog& catalog, const std::string& key) {
  std::vector<Explanation> all = explain(config, catalog), out;
  const std::string wanted = with_underscores(key.starts_with("stage.") ? key.substr(key.find('.') + 1) : key);
  std::vector<std::string> known;
  for (Explanation& item : all) {
    const std::string path = with_underscores(item.path);
    known.push_back(wanted.find('.') == std::string::npos ? item.spec.name : item.path);
    if (path == wanted || path.ends_with("." + wanted)) out.push_back(std::move(item));
  }
  if (!out.empty()) return out;
  throw Error(Code::unknown_key, "no key '" + key + "' in this pipeline", hint_for(key, known));
}

}  // namespace gptcore
