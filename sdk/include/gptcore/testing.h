// Tests for your own plugin: the harness loads it as the program does and runs it in a real pipeline on a model so small that
// ten steps take milliseconds. No test framework is needed; testing/catch2.h adapts the harness to Catch2.
//
//   gptcore::testing::Harness h{"./myop.so", "myop", {{"factor", 0.5}}};
//   const auto r = h.run_steps(10);
//   r.ok() && r.unchanged("wte.weight") && r.loss.back() < r.loss.front()
//
// CMake: target_link_libraries(my_test PRIVATE gptcore::testing)
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gptcore/adapter.h"
#include "gptcore/dataset.h"
#include "gptcore/error.h"
#include "gptcore/evaluator.h"
#include "gptcore/events.h"
#include "gptcore/logger.h"
#include "gptcore/model.h"
#include "gptcore/operation.h"
#include "gptcore/tokenizer.h"
#include "gptcore/value.h"

#define GPTCORE_TESTING_API __attribute__((visibility("default")))

namespace gptcore::testing {

// The model of every test: a GPT without bias and dropout, on one CPU thread, initialised from kSeed.
class GPTCORE_TESTING_API TinyModel {
 public:
  static constexpr int64_t kLayers = 2, kHeads = 2, kWidth = 16, kBlockSize = 8, kVocabSize = 32;
  static constexpr uint64_t kSeed = 1337;

  TinyModel();
  ~TinyModel();
  TinyModel(const TinyModel&) = delete;
  TinyModel& operator=(const TinyModel&) = delete;
  Model& model();
  // Returns the view that evaluators and operations receive.
  const ModelView& view() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// The outcome of a run, also of one that failed.
class GPTCORE_TESTING_API Report {
 public:
  std::string error;                      // the line that a user would see, or ""
  std::vector<double> loss;               // of each update
  std::map<std::string, double> metrics;  // of the last evaluation: train_loss, val_loss, "<item>.<metric>"
  std::vector<Record> records;            // what loggers saw, in order

  bool ok() const { return error.empty(); }
  // Return a parameter of the model or of an adapter ("blocks.0.attn.qkv.myadapter.a") after the run, and before the first
  // update. Throw Error(unknown_name).
  at::Tensor tensor(const std::string& name) const;
  at::Tensor initial(const std::string& name) const;
  std::vector<std::string> names() const;
  // Returns whether a parameter is bit for bit what it was before the first update.
  bool unchanged(const std::string& name) const;
  // Returns a key of the train stage after the run: setting("learning_rate").as<double>(). Throws Error(unknown_name).
  const Value& setting(const std::string& key) const;

 private:
  friend class Harness;
  std::map<std::string, at::Tensor> initial_, final_;
  Table settings_;
};

// Runs one item of a plugin. A harness must not be shared between threads.
class GPTCORE_TESTING_API Harness {
 public:
  // `item` is its name, or "kind/name" when the file has two of that name. `parameters` are the keys of its table, those of
  // the program included: when, targets, train_base. ${GPTCORE_TINY_TEXT} in a text stands for the path of a text file with
  // TinyModel::kVocabSize different characters. Throws Error when the file cannot be loaded or has no such item.
  Harness(const std::string& file, const std::string& item, Table parameters = {});
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  // Sets a key of the train stage for the runs that follow: set("batch_size", 2). Other keys have small values for tests.
  Harness& set(const std::string& key, Value value);
  // Trains the tiny model for so many updates, with an evaluation after every five, in a folder that is removed. An item of
  // another kind than model works on a TinyModel; a model gets its sizes where it has parameters of those names.
  Report run_steps(int64_t steps);

  // A new object of the item, opened as a run opens it, to be called directly: a tokenizer has learned the tiny text, a
  // dataset works with a character tokenizer and block_size 8, an adapter sits on a linear of 16 inputs and 48 outputs, a
  // model is on the CPU with its starting values. It must not outlive the harness. Each throws Error, unknown_name when the
  // item is of another kind.
  std::unique_ptr<Tokenizer> tokenizer();
  std::unique_ptr<Dataset> dataset();
  std::unique_ptr<Model> model();
  std::unique_ptr<Adapter> adapter();
  std::unique_ptr<Operation> operation();
  std::unique_ptr<Evaluator> evaluator();
  std::unique_ptr<Logger> logger();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Collects what an evaluator reports.
class Metrics final : public Results {
 public:
  void add(std::string_view metric, double sum, double count = 1) override {
    auto& [total, number] = sums_[std::string(metric)];
    total += sum;
    number += count;
  }
  void item(const Table& record) override { items.push_back(record); }
  // Returns sum / count, or NaN when nothing was added.
  double operator[](const std::string& metric) const {
    const auto found = sums_.find(metric);
    return found == sums_.end() ? std::numeric_limits<double>::quiet_NaN() : found->second.first / found->second.second;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : sums_) all.push_back(entry.first);
    return all;
  }

  std::vector<Table> items;

 private:
  std::map<std::string, std::pair<double, double>> sums_;
};

// Checks for a test program without a framework: int main() { Checks t; t.check(r.ok(), r.error); return t.exit_code(); }
class Checks {
 public:
  // Prints `claim` on standard error when it does not hold. Returns `holds`.
  bool check(bool holds, const std::string& claim) {
    ++(holds ? passed_ : failed_);
    if (!holds) std::fprintf(stderr, "FAILED: %s\n", claim.c_str());
    return holds;
  }
  // Returns 0 when at least one check was made and all hold.
  int exit_code() const {
    std::fprintf(stderr, "%d checks, %d failed\n", passed_ + failed_, failed_);
    return failed_ == 0 && passed_ > 0 ? 0 : 1;
  }

 private:
  int passed_ = 0, failed_ = 0;
};

}  // namespace gptcore::testing
