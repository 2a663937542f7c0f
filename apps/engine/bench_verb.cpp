// Times the training step on random tokens and holds it against the matrix product rate of the same moment.
#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/engine/verbs.h"
#include "core/base/log.h"
#include "core/device/cpu_allocator.h"
#include "core/device/device.h"
#include "core/device/throughput.h"
#include "core/model/gpt.h"
#include "core/options/run_options.h"
#include "core/options/train_options.h"
#include "core/train/train_step.h"
#include "core/train/trained_parts.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Clock = std::chrono::steady_clock;

struct Case {
  const char* name;
  int64_t layers, heads, width, context, batch, vocab;
  bool bias;
  int64_t steps;
};

constexpr Case kCases[] = {{"cpu-baby", 4, 4, 128, 64, 12, 65, false, 40},
                           {"char", 6, 6, 384, 256, 16, 65, false, 6},
                           {"gpt2-124m", 12, 12, 768, 64, 4, 50304, true, 6},
                           {"gpt2-124m-t1024", 12, 12, 768, 1024, 1, 50304, true, 4}};

struct Workload {
  std::string name;
  GptOptions model;
  TrainOptions train;
  std::string precision = "float32", device = "cpu";
  int64_t steps = 0;
};

Workload workload_of(const BenchRequest& request) {
  Workload w;
  if (request.config) {
    w.name = request.config->file;
    w.model = request.config->model.as<GptOptions>();
    if (w.model.vocab_size == 0) w.model.vocab_size = 50304;
    for (const StageConfig& stage : request.config->stages)
      if (stage.kind == "train") w.train = std::get<TrainOptions>(stage.options);
    const auto run = request.config->run.as<RunOptions>();
    w.precision = run.precision;
    w.device = run.device;
    w.steps = 10;
    return w;
  }
  for (const Case& c : kCases) {
    if (request.name != c.name) continue;
    w.name = c.name;
    w.model.n_layer = c.layers;
    w.model.n_head = c.heads;
    w.model.n_embd = c.width;
    w.model.block_size = c.context;
    w.model.vocab_size = c.vocab;
    w.model.bias = c.bias;
    w.train.batch_size = c.batch;
    w.train.learning_rate = 1e-3;
    w.steps = c.steps;
    return w;
  }
  std::string names;
  for (const Case& c : kCases) names += std::string(names.empty() ? "" : ", ") + c.name;
  throw Error(Code::usage, "no benchmark '" + request.name + "'", "one of " + names + ", or a pipeline file");
}

double one_minute_load() {
  double load = 0;
  std::ifstream("/proc/loadavg") >> load;
  return load;
}

int64_t minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Measured {
  std::vector<double> ms;
  double faults_per_step = 0;
  double flops_per_token = 0;
};

Measured measure(const Workload& w, int64_t steps, at::Device device, int64_t threads) {
  Network model(std::make_unique<Gpt>(w.model));
  model.open({w.model.vocab_size});
  init_parameters(model.parameters(), 1337);
  model.place(device, precision_of(w.precision));
  GradScaler scaler(w.precision == "float16", device);
  const auto group = single_process_group();
  TrainStep step{model, scaler, device};
  step.grad_clip = w.train.grad_clip;
  step.dropout_key = 1337;
  TrainedParts parts(model, step, threads, *group);
  parts.build(w.train, nullptr);
  const int64_t B = w.train.batch_size, T = w.model.block_size, accumulation = w.train.gradient_accumulation_steps;
  const auto next = [&] {
    return MicroBatch({at::randint(w.model.vocab_size, {B, T}, at::kLong), at::randint(w.model.vocab_size, {B, T}, at::kLong)});
  };
  Timing timing(device);
  const StepMeasures measures{w.train.log_timing ? &timing : nullptr, w.train.log_layer_norms};
  constexpr int64_t kWarmUp = 4;
  Measured m;
  m.flops_per_token = model.flops_per_token();
  int64_t faults = 0;
  for (int64_t i = 0; i < kWarmUp + steps; ++i) {
    if (i == kWarmUp) faults = minor_faults();
    const auto start = Clock::now();
    train_step(step, next, accumulation, i * accumulation, w.train.learning_rate, measures).loss.item<float>();
    timing.end_update();
    if (i >= kWarmUp) m.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  m.faults_per_step = static_cast<double>(minor_faults() - faults) / static_cast<double>(steps);
  return m;
}

}  // namespace

int bench_verb(const BenchRequest& request) {
  const Workload w = workload_of(request);
  const int64_t threads = set_threads(request.threads);
  const at::Device device = choose_device(w.device);
  use_caching_cpu_allocator();
  const double load = one_minute_load();
  const double sgemm_before = device.is_cpu() ? measured_sgemm_flops() : 0;
  const int64_t steps = request.steps > 0 ? request.steps : w.steps;
  const Measured m = measure(w, steps, device, threads);
  const double sgemm = device.is_cpu() ? std::max(sgemm_before, measured_sgemm_flops()) : 0;

  const double ms = median(m.ms);
  const auto tokens = static_cast<double>(w.train.batch_size * w.model.block_size * w.train.gradient_accumulation_steps);
  const double rate = tokens / ms * 1e3, model_flops = m.flops_per_token * rate;
  const double peak = device.is_cpu() ? sgemm : peak_flops(device, precision_of(w.precision));
  const bool busy = load > 0.5 + 0.25 * static_cast<double>(threads);
  if (busy) {
    char text[128];
    std::snprintf(text, sizeof text, "the machine is busy (load %.2f before the start): timings mean little", load);
    Log().write(Level::warning, text);
  }
  if (request.json) {
    std::printf("%s\n", nlohmann::ordered_json{{"case", w.name},
                                               {"threads", threads},
                                               {"steps", steps},
                                               {"ms_per_step", ms},
                                               {"ms_min", *std::min_element(m.ms.begin(), m.ms.end())},
                                               {"tokens_per_s", rate},
                                               {"mfu", peak > 0 ? model_flops / peak : 0},
                                               {"model_gflops", model_flops / 1e9},
                                               {"sgemm_gflops", sgemm / 1e9},
                                               {"model_over_sgemm", sgemm > 0 ? model_flops / sgemm : 0},
                                               {"page_faults", m.faults_per_step},
                                               {"load", load},
                                               {"busy", busy}}
                            .dump(2)
                            .c_str());
    return 0;
  }
  std::printf("%s: %.2f ms per step (median of %lld), %.0f tokens/s, %s\n", w.name.c_str(), ms, static_cast<long long>(steps),
              rate, threads_text(threads).c_str());
  std::printf("model %.1f GFLOP/s (6 N + 12 L H Q T), sgemm %.1f GFLOP/s, model/sgemm %.3f, %.0f page faults per step\n",
              model_flops / 1e9, sgemm / 1e9, sgemm > 0 ? model_flops / sgemm : 0, m.faults_per_step);
  return 0;
}

}  // namespace gptcore
