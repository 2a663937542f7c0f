// A whole training set-up on the counting dataset, for tests of the loop.
#pragma once

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/gpt.h"
#include "core/train/trainer.h"
#include "gptcore/error.h"
#include "tests/unit/train/counting_dataset.h"

namespace gptcore::testing {

struct QuietHost final : Host {
  void log(Level, std::string_view text) override { lines.emplace_back(text); }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
  std::vector<std::string> lines;
};

// Keeps every record and may act on one.
struct Recorder final : Logger {
  explicit Recorder(std::vector<Record>& all, std::function<void(const Record&)> act) : all_(all), act_(std::move(act)) {}
  void open(const LoggerContext&) override {}
  void record(const Record& r) override {
    all_.push_back(r);
    if (act_) act_(r);
  }
  std::vector<Record>& all_;
  std::function<void(const Record&)> act_;
};

inline GptOptions tiny(double dropout) {
  GptOptions o;
  o.n_layer = 1;
  o.n_head = 2;
  o.n_embd = 16;
  o.block_size = 4;
  o.vocab_size = 11;
  o.dropout = dropout;
  return o;
}

inline TrainOptions short_run() {
  TrainOptions o;
  o.max_iters = 12;
  o.batch_size = 2;
  o.learning_rate = 1e-2;
  o.eval_interval = 4;
  o.eval_iters = 2;
  o.warmup_iters = 2;
  return o;
}

// A whole training set-up on the counting dataset; state is kept here as a checkpoint would keep it.
struct Rig {
  explicit Rig(TrainOptions o, double dropout = 0, int64_t threads = 1) : options(o), model(std::make_unique<Gpt>(tiny(dropout))) {
    model.open({});
    init_parameters(model.parameters(), 1);
    flat = std::make_unique<FlatParameters>(model.parameters());
    optimizer = std::make_unique<AdamW>(*flat, AdamWOptions{});
    workers.emplace(model, *flat, at::kCPU, o.batch_size, threads);
    step.emplace(TrainStep{model, scaler, at::kCPU, &*workers, &*flat, &*optimizer, reducer.get(), o.grad_clip, 99});
    bus.add("recorder",
            std::make_unique<Recorder>(records,
                                       [this](const Record& r) {
                                         if (act) act(r);
                                       }),
            {});
  }
  StageEnd run() {
    TrainContext context{*step, model, *group, dataset, mutex, bus, signals, host, operations, evaluators};
    context.rebuild = [&](const TrainOptions& now) { rebuild(now); };
    context.save = [&](const TrainState& s, bool best) {
      if (refuse_saves-- > 0) throw Error(Code::disk_full, "no space");
      saved = s;
      saves.emplace_back(s.step, best);
    };
    return train(options, context, state);
  }
  void rebuild(const TrainOptions& now) {
    workers.reset();
    auto before = std::move(optimizer);
    const auto kept = std::move(flat);
    flat = std::make_unique<FlatParameters>(model.parameters());
    optimizer = std::make_unique<AdamW>(*flat, AdamWOptions{0.9, 0.95, 1e-8, now.weight_decay});
    if (before) optimizer->take_over(*before);
    workers.emplace(model, *flat, at::kCPU, now.batch_size, 1);
    step->workers = &*workers;
    step->parameters = &*flat;
    step->optimizer = &*optimizer;
  }
  void take(Rig& other) {  // as a resume does
    state = other.saved;
    for (const Parameter& p : model.parameters())
      if (const auto found = state.trainable.find(p.name); found != state.trainable.end())
        p.tensor.set_requires_grad(found->second);
    workers.reset();
    optimizer.reset();
    rebuild(with_settings(options, state.settings));
    for (const auto& [name, on] : state.trainable)
      if (!on) optimizer->park(name);
    const at::NoGradGuard no_grad;
    const auto values = model.parameters(), theirs_values = other.model.parameters();
    for (size_t i = 0; i < values.size(); ++i) values[i].tensor.detach().copy_(theirs_values[i].tensor);
    const auto theirs = other.optimizer->state();
    const std::map<std::string, at::Tensor> moments(theirs.begin(), theirs.end());
    for (auto& [name, tensor] : optimizer->state()) tensor.copy_(moments.at(name));
    operations.load(state.fired, other.operations.save());
  }
  at::Tensor weights() { return flat->groups()[0].values; }
  int64_t count(Event event) const {
    return std::count_if(records.begin(), records.end(), [&](const Record& r) { return r.event == event; });
  }

  TrainOptions options;
  Network model;
  OperationSet operations;
  EvaluatorSet evaluators;
  std::unique_ptr<FlatParameters> flat;
  std::unique_ptr<AdamW> optimizer;
  std::optional<GradientWorkers> workers;
  GradScaler scaler{false, at::kCPU};
  std::unique_ptr<ProcessGroup> group = single_process_group();
  std::unique_ptr<GradientReducer> reducer = flat_reducer(*group, {});
  std::optional<TrainStep> step;
  CountingDataset dataset{4, 11, 1000, 200};
  std::mutex mutex;
  QuietHost host;
  StopSignals signals;
  EventBus bus{host};
  std::vector<Record> records;
  std::function<void(const Record&)> act;
  int refuse_saves = 0;
  TrainState state, saved;
  std::vector<std::pair<int64_t, bool>> saves;
};

}  // namespace gptcore::testing
