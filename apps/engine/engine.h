// The boundary between the thin program and libgptcore.so, which holds everything that needs LibTorch.
// Both come from one build, so C++ types pass; nothing is thrown across.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/testing/conformance_request.h"
#include "gptcore/error.h"

namespace gptcore {

struct RunRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;  // every plugin that config uses, in load order
  std::string resume = "auto";            // auto | never | PATH of a run or checkpoint folder
  bool overwrite = false;                 // move an existing run aside instead of refusing
  bool allow_arch_change = false;         // resume though [model] differs
};

struct SampleRequest {
  std::string from;                       // run or checkpoint folder
  std::vector<std::string> plugin_files;  // given by --plugin, beyond the search path
  std::vector<std::string> prompts;       // text, or FILE:path
  int64_t num_samples = 1;
  int64_t max_new_tokens = 500;
  double temperature = 0.8;
  int64_t top_k = 200;  // 0 = off
  uint64_t seed = 1337;
  std::string device = "auto";
};

struct SummaryRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;
  bool json = false;
};

struct PlanRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;
  bool json = false;
};

struct BenchRequest {
  std::string name;  // "cpu-baby", ..., or "" with a config
  std::optional<PipelineConfig> config;
  int64_t threads = 0;  // 0 = all that this process may use
  int64_t steps = 0;    // 0 = as many as the case wants
  bool json = false;
};

// Returns the process's exit code; what went wrong is added to `errors`, for the caller to print.
template <class Request> using EngineVerb = int (*)(const Request&, std::vector<Error>& errors) noexcept;

struct EngineTable {
  EngineVerb<RunRequest> run;
  EngineVerb<SampleRequest> sample;
  EngineVerb<SummaryRequest> summary;
  EngineVerb<BenchRequest> bench;
  EngineVerb<ConformanceRequest> test;
  EngineVerb<PlanRequest> plan;
};

}  // namespace gptcore

extern "C" const gptcore::EngineTable* gptcore_engine();
