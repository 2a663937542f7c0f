// Builds optimizer and loop for one train stage, from the checkpoint when it was made in this stage.
#include "core/pipeline/stages.h"
#include "core/pipeline/tensor_files.h"
#include "core/train/throughput.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

class TrainStage {
 public:
  TrainStage(StageContext& context, const StageConfig& stage)
      : c_(context),
        stage_(stage),
        options_(stage.options.as<TrainOptions>()),
        parameters_(c_.session.model->parameters()),
        optimizer_(parameters_, {options_.beta1, options_.beta2, options_.eps, options_.weight_decay}),
        workers_(*c_.session.model, parameters_, c_.session.device, options_.batch_size, c_.session.threads),
        scaler_(c_.session.compute == at::kHalf, c_.session.device),
        group_(single_process_group()) {
    std::vector<at::Tensor> buffers;
    for (const FlatParameters::Group& g : parameters_.groups()) buffers.push_back(g.grads);
    reducer_ = flat_reducer(*group_, std::move(buffers));
  }

  bool run() {
    TrainState state = resume();
    const uint64_t seed = static_cast<uint64_t>(c_.run.seed);
    TrainStep step{*c_.session.model,
                   workers_,
                   parameters_,
                   optimizer_,
                   scaler_,
                   *reducer_,
                   c_.session.device,
                   options_.grad_clip,
                   stream_key(seed, "dropout " + stage_.name)};
    TrainContext context{step, *group_, *c_.session.dataset, c_.session.dataset_mutex, c_.bus, c_.signals, c_.session.host};
    context.first_step = first_step_;
    context.peak_flops = c_.run.peak_tflops > 0 ? c_.run.peak_tflops * 1e12 : peak_flops(c_.session.device, c_.session.compute);
    context.save = [&](const TrainState& now, bool best) { save(now, best); };
    c_.session.model->train(true);
    const StageEnd how = train(options_, context, state);
    if (how == StageEnd::early_stopped)
      c_.session.host.log(Level::info, "stage '" + stage_.name + "' ended early: no improvement in " +
                                           std::to_string(options_.patience) + " evaluations");
    return how != StageEnd::interrupted;
  }

 private:
  TrainState resume() {
    const bool mine = c_.resumed && c_.saved && c_.saved->stage == stage_.name;
    first_step_ = mine ? c_.saved->first_step : c_.global_step();
    if (!mine) return {};
    load_tensors(c_.files, *c_.resumed, "optimizer.safetensors", optimizer_.state());
    scaler_.scale().fill_(c_.saved->loss_scale);
    scaler_.growth().fill_(c_.saved->loss_scale_growth);
    c_.resumed.reset();
    return c_.saved->train;
  }

  void save(const TrainState& now, bool best) {
    SavedState state;
    state.stage = stage_.name;
    state.first_step = first_step_;
    state.train = now;
    state.loss_scale = scaler_.scale().item<float>();
    state.loss_scale_growth = scaler_.growth().item<int>();
    state.data = c_.session.dataset->fingerprint();
    state.settings = settings_of(c_.config);
    std::vector<at::Tensor> keep;
    std::vector<CheckpointPart> parts;
    parts.push_back(tensor_part("model.safetensors", named_tensors(parameters_.parameters()), keep));
    parts.push_back(tensor_part("optimizer.safetensors", optimizer_.state(), keep));
    parts.push_back({"state.json", format_state(state)});
    parts.push_back({"config.toml", c_.config.to_toml()});
    if (c_.session.tokenizer) parts.push_back({kTokenizerFile, c_.session.tokenizer->save()});
    c_.last_checkpoint = c_.store.publish(first_step_ + now.step, parts, best).directory.string();
    c_.saved = std::move(state);
    c_.bus.emit(Event::checkpoint_saved, c_.global_step(), {{"path", c_.last_checkpoint}, {"best", best}});
  }

  StageContext& c_;
  const StageConfig& stage_;
  TrainOptions options_;
  FlatParameters parameters_;
  AdamW optimizer_;
  GradientWorkers workers_;
  GradScaler scaler_;
  std::unique_ptr<ProcessGroup> group_;
  std::unique_ptr<GradientReducer> reducer_;
  int64_t first_step_ = 0;
};

}  // namespace

bool run_train_stage(StageContext& context, const StageConfig& stage) {
  return TrainStage(context, stage).run();
}

}  // namespace gptcore
