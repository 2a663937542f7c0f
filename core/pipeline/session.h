// Holds what every verb that computes needs: device and threads, plugins, tokenizer, dataset, model.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/pipeline_config.h"
#include "core/distributed/process_group.h"
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

// Names of files in a checkpoint.
inline constexpr const char* kTokenizerFile = "tokenizer.bin";
inline constexpr const char* kDatasetFile = "dataset.bin";  // when the dataset has a state

// Makes the datasets that another dataset reads.
class SourceDatasets final : public Datasets {
 public:
  explicit SourceDatasets(const PluginSet& plugins) : plugins_(plugins) {}
  std::unique_ptr<Dataset> make(const Table& source) override;

 private:
  const PluginSet& plugins_;
};

// Call open_tokenizer(), open_dataset() and open_model() in this order. Each may throw what its part throws.
struct Session {
  // Sets threads, memory and device for the process, and loads the plugins.
  Session(const RunOptions& options, const std::vector<std::string>& plugin_files);

  // With `checkpoint`, loads the tokenizer as it was then instead of learning it from the data; its ids are the numbers by
  // which the data showed them.
  void open_tokenizer(const PipelineConfig& config, FileSystem& files, const Checkpoint* checkpoint);
  void open_dataset(const PipelineConfig& config, uint64_t seed, FileSystem& files, const Checkpoint* checkpoint);
  // Makes the model that `structure` describes. Its parameters are allocated on the device and not yet set; its adapters are on
  // their layers.
  void open_model(const PipelineConfig& config);
  // Adapts the vocab_size of a new model when only a preset or init_from gives it: to the number of tokens that the dataset
  // shows when these are a part of the tokenizer's, else to what tokenizer and dataset need when that is more. open_dataset()
  // and open_model() call it.
  void fit_vocabulary(const PipelineConfig& config);
  // Returns the number of ids that tokenizer and dataset need; 0 = unknown.
  int64_t data_vocab_size() const;
  // Returns the same for a dataset that shows all of the vocabulary.
  int64_t whole_vocab_size() const;
  // Returns functions that make models as operations change them. They use this session.
  NetworkFactory factory();

  Log log;
  ProgramHost host;
  CallWatch watch;
  PluginSet plugins;
  SourceDatasets sources{plugins};
  at::Device device;
  at::ScalarType compute;
  int64_t threads;
  std::unique_ptr<ProcessGroup> group =  // rank 0 alone writes files and emits events
      single_process_group();
  std::unique_ptr<Tokenizer> tokenizer;  // null when the pipeline has none; its ids are the model's
  std::unique_ptr<Dataset> dataset;
  std::mutex dataset_mutex;
  ModelMaker maker;
  Structure structure;  // set it before the open calls when operations have changed the checkpoint's model
  std::unique_ptr<Network> model;

 private:
  void make_model(const PipelineConfig& config);

  bool starts_ = true;  // there is no checkpoint
};

}  // namespace gptcore
