// What every verb that computes needs: device and threads, plugins, tokenizer, dataset, model.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/pipeline_config.h"
#include "core/plugin/loader.h"
#include "core/plugin/program_host.h"
#include "core/train/train_options.h"
#include "gptcore/draft/model.h"

namespace gptcore {

inline constexpr const char* kTokenizerFile = "tokenizer.bin";  // in a checkpoint

// Members are made in this order and by these calls; each may throw what its part throws.
struct Session {
  // Sets threads, memory and device for the process, and loads the plugins.
  Session(const RunOptions& options, const std::vector<std::string>& plugin_files);

  // With `checkpoint`, the tokenizer is as it was then, instead of learned from the data.
  void open_tokenizer(const PipelineConfig& config, FileSystem& files, const Checkpoint* checkpoint);
  void open_dataset(const PipelineConfig& config, uint64_t seed);
  // Parameters are allocated on the device, not yet set.
  void open_model(const PipelineConfig& config);

  Log log;
  ProgramHost host;
  PluginSet plugins;
  at::Device device;
  at::ScalarType compute;
  int64_t threads;
  std::unique_ptr<Tokenizer> tokenizer;  // null when the pipeline has none
  std::unique_ptr<Dataset> dataset;
  std::mutex dataset_mutex;
  std::unique_ptr<Model> model;
};

// The model that [model] describes, not opened.
std::unique_ptr<Model> make_model(const Section& section);

}  // namespace gptcore
