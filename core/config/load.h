// Pipeline file + command line -> PipelineConfig, or every error at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config/check.h"
#include "core/config/document.h"
#include "core/config/overrides.h"
#include "core/config/pipeline_config.h"
#include "core/plugin/catalog.h"

namespace gptcore {

struct LoadRequest {
  std::optional<std::string> file;
  std::vector<Override> overrides;
  std::vector<std::string> plugin_files;  // --plugin; relative ones count from the current folder
  // Of a pipeline without [[logger]], as far as the catalog has them; the core names no plugin.
  std::vector<std::string> default_loggers = {};
  bool for_run = false;      // what a run lacks is a mistake: a stage, a dataset
  bool check_files = false;  // files that it reads and that are not there are mistakes
};

// What the catalog of a pipeline is made from.
struct NamedPlugins {
  std::vector<std::string> files;  // absolute, --plugin first
  bool replace = false;            // [plugins].override
};

// A pipeline file is read once, and loaded when the plugins that it names are known.
class PipelineLoader {
 public:
  // Throws ConfigErrors when the file cannot be read; other mistakes wait for load().
  explicit PipelineLoader(LoadRequest request);
  NamedPlugins plugins() const;
  // Throws ConfigErrors.
  PipelineConfig load(const Catalog& catalog) const;

 private:
  LoadRequest request_;
  ErrorList errors_;  // of reading
  Document document_;
  Folders folders_;
};

// Where the catalog is known beforehand. Throws ConfigErrors.
PipelineConfig load_pipeline(const LoadRequest& request, const Catalog& catalog);
// The files of the plugins whose items `config` uses, without repeats, in the pipeline's order.
std::vector<std::string> files_used(const PipelineConfig& config, const Catalog& catalog);

}  // namespace gptcore
