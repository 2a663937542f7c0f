#include "core/train/evaluation.h"

#include <ATen/TensorOperators.h>

#include <vector>

#include "core/model/gpt.h"
#include "core/options/counts.h"
#include "tests/catch.h"
#include "tests/unit/train/counting_dataset.h"

using namespace gptcore;
using gptcore::testing::CountingDataset;

namespace {

Gpt tiny_model() {
  GptOptions o;
  o.n_layer = 1;
  o.n_head = 2;
  o.n_embd = 16;
  o.block_size = 4;
  o.vocab_size = 11;
  Gpt model(o);
  model.open({});
  init_parameters(model.parameters(), 5);
  return model;
}

}  // namespace

TEST_CASE("the whole split's loss is the mean over tokens, whatever the batch size", "[evaluation]") {
  Gpt model = tiny_model();
  CountingDataset dataset(4, 11, 0, 23);  // 22 predicted tokens: the last window is half empty
  std::mutex mutex;
  const auto group = single_process_group();
  const auto loss = [&](int64_t batch) {
    return evaluate_loss(model, dataset, mutex, Split::val, {kWholeSplit, batch}, *group, at::kCPU).value();
  };
  double sum = 0;
  for (int64_t window = 0; window < 6; ++window) {
    Batch batch;
    dataset.batch({Split::val, Order::sequential, window, 1}, batch);
    sum += model.loss(batch.ids, batch.targets).item<double>() * batch.targets.ge(0).sum().item<double>();
  }
  CHECK(loss(1) == Approx(sum / 22).epsilon(1e-6));
  CHECK(loss(4) == Approx(sum / 22).epsilon(1e-6));
  CHECK(loss(100) == Approx(sum / 22).epsilon(1e-6));
}

TEST_CASE("evaluations use the same windows every time and none that training has begun with", "[evaluation]") {
  Gpt model = tiny_model();
  CountingDataset dataset(4, 11, 1000, 0);
  std::mutex mutex;
  const auto group = single_process_group();
  const auto loss = [&] { return evaluate_loss(model, dataset, mutex, Split::train, {3, 2}, *group, at::kCPU).value(); };
  const double first = loss();
  const std::vector<int64_t> samples = dataset.samples;
  dataset.samples.clear();
  CHECK(loss() == first);
  CHECK(dataset.samples == samples);
  CHECK(samples.size() == 6);
  CHECK(samples.front() > (int64_t{1} << 40));
}

TEST_CASE("an evaluation can be cancelled between batches", "[evaluation]") {
  Gpt model = tiny_model();
  CountingDataset dataset(4, 11, 1000, 0);
  std::mutex mutex;
  const auto group = single_process_group();
  CHECK_FALSE(evaluate_loss(model, dataset, mutex, Split::train, {100, 2}, *group, at::kCPU,
                            [&](int64_t, int64_t) { return dataset.samples.size() < 6; }));
  CHECK(dataset.samples.size() == 6);
}

TEST_CASE("a long evaluation tells how far it is, a short one nothing", "[evaluation]") {
  struct Watching final : Host {
    void log(Level, std::string_view) override {}
    void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) override {
      told.push_back(std::string(label) + " " + std::to_string(done) + "/" + std::to_string(total) + " " + std::string(unit));
    }
    std::string fetch(std::string_view, std::string_view) override { return {}; }
    std::vector<std::string> told;
  } host;
  Gpt model = tiny_model();
  CountingDataset dataset(4, 11, 0, 23);
  std::mutex mutex;
  const auto group = single_process_group();
  const auto evaluate = [&](double silent) {
    return evaluate_loss(model, dataset, mutex, Split::val, {kWholeSplit, 4}, *group, at::kCPU,
                         [tell = evaluation_progress(host, Split::val, silent)](int64_t batch, int64_t batches) {
                           tell(batch, batches);
                           return true;
                         });
  };
  evaluate(1e9);
  CHECK(host.told.empty());
  evaluate(0);
  CHECK(host.told == std::vector<std::string>{"evaluating val 1/2 batches", "evaluating val 2/2 batches"});
}
