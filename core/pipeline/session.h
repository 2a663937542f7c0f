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
#include "core/model/network.h"
#include "core/options/run_options.h"
#include "core/pipeline/model_maker.h"
#include "core/pipeline/shown_tokenizer.h"
#include "core/plugin/call_watch.h"
#include "core/plugin/loader.h"
#include "core/plugin/program_host.h"
#include "core/surgery/commit.h"
#include "gptcore/draft/datasets.h"

namespace gptcore {

// Files of a checkpoint.
inline constexpr const char* kTokenizerFile = "tokenizer.bin";
inline constexpr const char* kDatasetFile = "dataset.bin";  // when the dataset has a state

// The datasets that another one is made of.
class SourceDatasets final : public Datasets {
 public:
  explicit SourceDatasets(const PluginSet& plugins) : plugins_(plugins) {}
  std::unique_ptr<Dataset> make(const Table& source) override;

 private:
  const PluginSet& plugins_;
};

// Members are made in this order and by these calls; each may throw what its part throws.
struct Session {
  // Sets threads, memory and device for the process, and loads the plugins.
  Session(const RunOptions& options, const std::vector<std::string>& plugin_files);

  // With `checkpoint`, the tokenizer is as it was then, instead of learned from the data, and has the numbers that the data
  // showed its ids by.
  void open_tokenizer(const PipelineConfig& config, FileSystem& files, const Checkpoint* checkpoint);
  void open_dataset(const PipelineConfig& config, uint64_t seed, FileSystem& files, const Checkpoint* checkpoint);
  // As `structure` has it. Parameters are allocated on the device, not yet set; adapters hang on their layers.
  void open_model(const PipelineConfig& config);
  // A new model whose vocab_size a preset or init_from tells gets as many tokens as the dataset shows where these are only a
  // part of the tokenizer's, and as many more as tokenizer and dataset need otherwise. open_dataset() and open_model() do so.
  void fit_vocabulary(const PipelineConfig& config);
  // What tokenizer and dataset need; 0 = unknown.
  int64_t data_vocab_size() const;
  // The same when the dataset shows all of the vocabulary.
  int64_t whole_vocab_size() const;
  // Makes models as operations change them; uses this.
  NetworkFactory factory();

  Log log;
  ProgramHost host;
  CallWatch watch;
  PluginSet plugins;
  SourceDatasets sources{plugins};
  at::Device device;
  at::ScalarType compute;
  int64_t threads;
  std::unique_ptr<Tokenizer> tokenizer;  // null when the pipeline has none; by the numbers that the model knows
  std::unique_ptr<Dataset> dataset;
  std::mutex dataset_mutex;
  ModelMaker maker;
  Structure structure;  // set before the rest when a checkpoint's model was changed by operations
  std::unique_ptr<Network> model;

 private:
  void make_model(const PipelineConfig& config);

  bool starts_ = true;  // from no checkpoint
};

}  // namespace gptcore
