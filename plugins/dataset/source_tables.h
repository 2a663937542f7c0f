// Opens the datasets that another dataset is made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gptcore/draft/datasets.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore::datasets {

struct Source {
  std::string use;
  double weight = 1;
  std::unique_ptr<Dataset> dataset;
};

// Makes and opens the datasets that the tables name, each with its own seed.
inline std::vector<Source> open_sources(const std::vector<const Table*>& tables, const DatasetContext& context) {
  auto* const datasets = service_of<Datasets>(*context.host);
  if (!datasets) throw Error(Code::plugin_refused, "this program cannot make a dataset of others", "use a newer gptcore");
  std::vector<Source> out;
  for (const Table* table : tables) {
    Source source;
    source.use = find(*table, "use")->as<std::string>();
    if (const Value* weight = find(*table, "weight"))
      source.weight = weight->is<int64_t>() ? static_cast<double>(weight->as<int64_t>()) : weight->as<double>();
    source.dataset = datasets->make(*table);
    DatasetContext own = context;
    own.seed = stream_key(context.seed, "source " + std::to_string(out.size()));
    source.dataset->open(own);
    out.push_back(std::move(source));
  }
  return out;
}

// Returns what is wrong with a parameter that holds source tables, in words; "" when nothing is.
inline std::string misfit_of_source(const Value& value) {
  if (!value.is<Table>()) return "'source' holds tables, got " + std::string(type_name(value));
  const Table& table = value.as<Table>();
  const Value *use = find(table, "use"), *weight = find(table, "weight");
  if (!use || !use->is<std::string>()) return "a source needs 'use', the name of its dataset";
  if (!weight) return "";
  const double number = weight->is<int64_t>()  ? static_cast<double>(weight->as<int64_t>())
                        : weight->is<double>() ? weight->as<double>()
                                               : 0;
  return number > 0 && number < 1e300 ? "" : "'weight' expects a number above 0, got " + to_toml(*weight);
}

}  // namespace gptcore::datasets
