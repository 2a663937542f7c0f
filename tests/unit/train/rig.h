// A whole training set-up on the counting dataset, for tests of the loop.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

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

// Adds (alpha / rank) x A^T B^T to a linear; A starts drawn and B at 0.
struct LowRank final : Adapter {
  explicit LowRank(const Table& values)
      : rank(find(values, "rank")->as<int64_t>()), alpha(find(values, "alpha")->as<double>()) {}
  void open(const AdapterContext& context) override {
    a = at::zeros({rank, context.weight.size(1)}).requires_grad_();
    b = at::zeros({context.weight.size(0), rank}).requires_grad_();
  }
  std::vector<Parameter> parameters() override { return {{"a", a, {0.1, 0}}, {"b", b, {0, 0}}}; }
  at::Tensor forward(const at::Tensor& x) override {
    return at::linear(at::linear(x, a), b).mul(alpha / static_cast<double>(rank));
  }
  at::Tensor delta() override { return b.matmul(a).mul(alpha / static_cast<double>(rank)); }
  void take(const at::Tensor& delta) override {
    const auto [u, s, v] = at::linalg_svd(delta.mul(static_cast<double>(rank) / alpha), false);
    const int64_t r = std::min(rank, s.size(0));
    a.detach().zero_().narrow(0, 0, r).copy_(v.narrow(0, 0, r));
    b.detach().zero_().narrow(1, 0, r).copy_(u.narrow(1, 0, r) * s.narrow(0, 0, r));
  }
  int64_t rank;
  double alpha;
  at::Tensor a, b;
};

inline Table low_rank(int64_t rank, double alpha = 8) {
  return {{"rank", rank}, {"alpha", alpha}};
}

// A whole training set-up on the counting dataset; state is kept here as a checkpoint would keep it.
struct Rig : private CheckpointSink {
  explicit Rig(TrainOptions o, double dropout = 0, int64_t threads = 1, GptOptions sizes = tiny(0))
      : options(o), threads_used(threads), gpt(with_dropout(std::move(sizes), dropout)), model(std::make_unique<Gpt>(gpt)) {
    factory.network = [this](const Structure& s) { return made(s); };
    factory.adapter = [](const AdapterInfo& info, LayerKind kind, const at::Tensor& weight) {
      return adapter(info, kind, weight);
    };
    factory.keys = [this](const Structure& s) { return schema_of<GptOptions>().values(changed(s)); };
    model.open({});
    init_parameters(model.parameters(), 1);
    step.emplace(TrainStep{model, scaler, at::kCPU});
    step->grad_clip = o.grad_clip;
    step->dropout_key = 99;
    build(o, {});
    bus.add("recorder",
            std::make_unique<Recorder>(records,
                                       [this](const Record& r) {
                                         if (act) act(r);
                                       }),
            kAllEvents, {});
  }
  StageEnd run() {
    TrainContext context{*step,   *parts, *this,      model,      *group,  dataset,   mutex,  bus,
                         signals, host,   operations, evaluators, factory, structure, journal};
    context.seed = 7;
    context.memory = memory;
    context.peak_flops = peak_flops;
    context.support.adapter_values = [](const std::string&, const Table& values) { return values; };
    auto [how, back] = train(options, context, state);
    rewind = std::move(back);
    return how;
  }
  void save(const TrainState& s, bool best) override {
    if (refuse_saves-- > 0) throw Error(Code::disk_full, "no space");
    saved = s;
    saves.emplace_back(s.step, best);
  }
  bool keeps_points() const override { return keep_points; }
  int64_t keep_point(const TrainState& s, int64_t number) override {
    points.emplace_back(number, s);
    return best_step;
  }
  // A build fails when the rig is told so.
  struct Parts final : TrainedParts {
    Parts(Rig& rig, int64_t threads) : TrainedParts(rig.model, *rig.step, threads, *rig.group), rig_(rig) {}
    void build(const TrainOptions& now, const NamedMoments* moments) override {
      if (rig_.refuse_rebuild) throw Error(Code::out_of_memory, "no memory");
      TrainedParts::build(now, moments);
      rig_.flat = rig_.step->parameters;
      rig_.optimizer = rig_.step->optimizer;
      rig_.workers = rig_.step->workers;
    }
    Rig& rig_;
  };
  static GptOptions with_dropout(GptOptions o, double dropout) {
    o.dropout = dropout;
    return o;
  }
  static std::shared_ptr<Adapter> adapter(const AdapterInfo& info, LayerKind kind, const at::Tensor& weight) {
    auto made = std::make_shared<LowRank>(info.values);
    AdapterContext context;
    context.layer = info.layer;
    context.kind = kind;
    context.weight = weight;
    made->open(context);
    return made;
  }
  GptOptions changed(const Structure& s) const {
    GptOptions o = gpt;
    schema_of<GptOptions>().assign(s.keys, o);
    return o;
  }
  std::unique_ptr<Network> made(const Structure& s) const {
    auto network = std::make_unique<Network>(std::make_unique<Gpt>(changed(s)));
    network->open({});
    network->place(at::kCPU, at::kFloat);
    const std::vector<Parameter> base = network->parameters();
    for (const AdapterInfo& info : s.adapters.value_or(std::vector<AdapterInfo>{}))
      for (const Parameter& p : base)
        if (p.name == info.layer + ".weight") network->attach(info, adapter(info, LayerKind::linear, p.tensor));
    for (const Parameter& p : network->parameters())
      if (const auto found = s.trainable.find(p.name); found != s.trainable.end()) p.tensor.set_requires_grad(found->second);
    return network;
  }
  // After `group` was set to another.
  void use_group() {
    build(options, {});
    step->group = &*group;
  }
  void build(const TrainOptions& now, const NamedMoments& moments) {
    parts = std::make_unique<Parts>(*this, threads_used);
    parts->build(now, &moments);
  }
  void take(Rig& other) {  // as a resume does
    state = other.saved;
    structure = other.structure;
    journal = other.journal;
    model.swap(*made(structure));
    build(with_settings(options, state.settings), other.optimizer->moments());
    const at::NoGradGuard no_grad;
    const auto values = model.parameters(), theirs = other.model.parameters();
    for (size_t i = 0; i < values.size(); ++i) values[i].tensor.detach().copy_(theirs[i].tensor);
    operations.load(state.triggers, other.operations.save());
    evaluators.load(state.evaluator_failures, host);
  }
  at::Tensor weights() { return flat->groups()[0].values; }
  int64_t count(Event event) const {
    return std::count_if(records.begin(), records.end(), [&](const Record& r) { return r.event == event; });
  }

  TrainOptions options;
  int64_t threads_used;
  GptOptions gpt;
  Network model;
  NetworkFactory factory;
  Structure structure;
  std::vector<JournalEntry> journal;
  OperationSet operations;
  EvaluatorSet evaluators;
  std::unique_ptr<TrainedParts> parts;
  FlatParameters* flat = nullptr;
  AdamW* optimizer = nullptr;
  GradientWorkers* workers = nullptr;
  GradScaler scaler{false, at::kCPU};
  std::unique_ptr<ProcessGroup> group = single_process_group();
  std::optional<TrainStep> step;
  CountingDataset dataset{4, 11, 1000, 200};
  std::mutex mutex;
  QuietHost host;
  StopSignals signals;
  EventBus bus{host};
  std::vector<Record> records;
  std::function<void(const Record&)> act;
  MemorySources memory{"/nonexistent", "/nonexistent"};  // never short
  int refuse_saves = 0;
  double peak_flops = 0;
  bool refuse_rebuild = false;
  TrainState state, saved;
  bool keep_points = false;  // operations may be undone
  int64_t best_step = -1;
  std::vector<std::pair<int64_t, TrainState>> points;
  std::optional<Rewind> rewind;
  std::vector<std::pair<int64_t, bool>> saves;
};

}  // namespace gptcore::testing
