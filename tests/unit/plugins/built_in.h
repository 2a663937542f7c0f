// The built-in plugins' objects, and what they need around them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/plugin/loader.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

namespace gptcore {

inline const PluginSet& built_in() {
  static const PluginSet set = [] {
    PluginSet s;
    for (const char* name : {"char", "byte", "text", "token_bin", "npy_shards", "documents", "mixture", "vocab_remap",
                             "console", "jsonl", "lora", "model_analysis"})
      s.load(std::string(PLUGINS) + "/" + name + ".so");
    if (const std::string parquet = PLUGINS "/parquet.so"; std::filesystem::exists(parquet)) s.load(parquet);
    return s;
  }();
  return set;
}

struct SilentHost final : Host {
  void log(Level, std::string_view) override {}
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  // "Downloads" a file by taking the url for its path.
  std::string fetch(std::string_view url, std::string_view) override { return std::string(url); }
};

inline DatasetContext context_of(Tokenizer* tokenizer, int64_t block_size, uint64_t seed, Host& host) {
  DatasetContext context;
  context.tokenizer = tokenizer;
  context.block_size = block_size;
  context.seed = seed;
  context.host = &host;
  return context;
}

// A dataset opened with its tokenizer.
struct OpenDataset {
  OpenDataset(const std::string& name, const Table& values, int64_t block_size, const char* tokenizer_name = nullptr,
              uint64_t seed = 1)
      : dataset(built_in().dataset(name, values)) {
    if (tokenizer_name) tokenizer = built_in().tokenizer(tokenizer_name, {});
    dataset->open(context_of(tokenizer.get(), block_size, seed, host));
  }

  SilentHost host;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Dataset> dataset;
};

// One row of a batch.
struct Row {
  std::vector<int64_t> ids, targets;
};

inline Row row_of(Dataset& dataset, Split split, Order order, int64_t sample) {
  Batch batch;
  dataset.batch({split, order, sample, 1}, batch);
  const auto copy = [](const at::Tensor& t) {
    return std::vector<int64_t>(t.const_data_ptr<int64_t>(), t.const_data_ptr<int64_t>() + t.numel());
  };
  return {copy(batch.ids), copy(batch.targets)};
}

// What f must throw.
inline Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  throw std::logic_error("nothing was thrown");
}

}  // namespace gptcore
