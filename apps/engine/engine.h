// The boundary between the thin program and libgptcore.so, which holds everything that needs LibTorch.
// Both sides come from one build, so C++ types may pass; no exception does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config/pipeline_config.h"
#include "core/options/prepare_options.h"
#include "core/options/sample_options.h"
#include "gptcore/error.h"
#include "testkit/conformance_request.h"

namespace gptcore {

struct RunRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;  // every plugin that config uses, in load order
  std::string resume = "auto";            // auto | never | PATH of a run or checkpoint folder
  bool overwrite = false;                 // move an existing run aside instead of refusing
  bool allow_arch_change = false;         // resume even if [model] differs
  bool quiet = false;                     // print only warnings and errors on standard error
  std::string results_only = {};          // `use` of the logger that gets only evaluations and samples
};

// A tokenizer that the command line names.
struct TokenizerChoice {
  PipelineConfig config;  // its [run] and [tokenizer]
  std::vector<std::string> plugin_files;
  std::string checkpoint;  // a verified folder that holds the tokenizer's state; "" = none
};

struct SampleRequest {
  std::string from;                       // run or checkpoint folder
  std::vector<std::string> plugin_files;  // given by --plugin, beyond the search path
  std::vector<std::string> prompts;       // text, or FILE:path; at least one
  SampleOptions options;                  // its prompt is not used
  bool json = false;                      // a JSON object per text
  uint64_t seed = 1337;
  std::string device = "auto";
  std::optional<TokenizerChoice> tokenizer;  // in place of the run's
  bool allow_special = false;                // texts of special tokens in prompts become these tokens
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

// The part of `gptcore config check` that only plugins and the model can tell.
struct CheckRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;
};

struct BenchRequest {
  std::string name;  // "cpu-baby", ..., or "" with a config
  std::optional<PipelineConfig> config;
  int64_t threads = 0;  // 0 = all that this process may use
  int64_t steps = 0;    // 0 = the case's own number
  bool json = false;
};

struct TokenizeRequest {
  TokenizerChoice tokenizer;
  std::string file = "-";  // - is standard input
  bool count = false, json = false, decode = false, jsonl = false;
};

struct PrepareRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;
  PrepareOptions options;
  bool json = false;
};

struct DataSampleRequest {
  std::vector<std::string> files;  // of tokens, one after another
  int64_t raw_width = 2;           // bytes of an id without a header
  uint32_t flag = 0;               // this bit of an id is not part of its value
  int64_t first = 0, count = 0;
  std::optional<PipelineConfig> config;  // with the tokenizer; absent: the ids themselves are shown
  std::vector<std::string> plugin_files;
  std::string tokenizer_state;  // a file, or ""
  bool json = false;
};

struct ExportRequest {
  PipelineConfig config;
  std::vector<std::string> plugin_files;
  std::string checkpoint;  // a verified folder
  std::string picked;      // told_of_pick() of it
  std::string to;          // the folder to make
  std::string format;      // hf | llmc | gguf
  std::string dtype;       // f32 | f16 | bf16
  bool keep_adapters = false;
  bool json = false;
};

struct ImportRequest {
  PipelineConfig config;  // its model.init_from names the weights
  std::vector<std::string> plugin_files;
  std::string to;  // run folder
  bool json = false;
};

// Returns the process's exit code and adds what went wrong to `errors`, for the caller to print.
template <class Request> using EngineVerb = int (*)(const Request&, std::vector<Error>& errors) noexcept;

struct EngineTable {
  EngineVerb<RunRequest> run;
  EngineVerb<SampleRequest> sample;
  EngineVerb<SummaryRequest> summary;
  EngineVerb<BenchRequest> bench;
  EngineVerb<ConformanceRequest> test;
  EngineVerb<PlanRequest> plan;
  EngineVerb<TokenizeRequest> tokenize;
  EngineVerb<PrepareRequest> prepare;
  EngineVerb<DataSampleRequest> data_sample;
  EngineVerb<ExportRequest> export_model;
  EngineVerb<ImportRequest> import_model;
  EngineVerb<CheckRequest> check;
};

}  // namespace gptcore

extern "C" const gptcore::EngineTable* gptcore_engine();
