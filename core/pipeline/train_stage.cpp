// Builds optimizer and loop for one train stage, from the checkpoint when it was made in this stage.
#include <cmath>
#include <limits>
#include <set>

#include "core/checkpoint/run_folder.h"
#include "core/device/device_memory.h"
#include "core/device/throughput.h"
#include "core/model/trainable_table.h"
#include "core/pipeline/adapter_files.h"
#include "core/pipeline/optimizer_file.h"
#include "core/pipeline/source_tokens.h"
#include "core/pipeline/stage_order.h"
#include "core/pipeline/stages.h"
#include "core/pipeline/tensor_files.h"
#include "core/plugin/breadcrumb.h"
#include "core/train/resumed_operations.h"
#include "core/train/trainer.h"
#include "gptcore/error.h"
#include "gptcore/event_fields.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

std::string operation_file(size_t index) {
  return "operation." + std::to_string(index) + ".bin";
}

// Returns the folder of the restore points of operations.
std::filesystem::path undo_folder(const StageContext& c) {
  return c.run_dir / "undo";
}

std::filesystem::path point_folder(const StageContext& c, int64_t number) {
  return checkpoint_folder(undo_folder(c)) / step_name(number);
}

StoreOptions point_options(Host& host) {
  StoreOptions options;
  options.keep = kNoLimit;
  options.report = [&host](Level level, const std::string& text) { host.log(level, text); };
  return options;
}

class TrainStage final : private CheckpointSink {
 public:
  TrainStage(StageContext& context, const StageConfig& stage, const TrainOptions& options)
      : c_(context),
        stage_(stage),
        options_(options),
        network_(*c_.session.model),
        items_(c_.items.at(stage.name)),
        scaler_(c_.session.compute == at::kHalf, c_.session.device),
        factory_(c_.session.factory()),
        step_{network_, scaler_, c_.session.device},
        parts_(network_, step_, c_.session.threads, *c_.session.group),
        points_(c_.files, undo_folder(c_), point_options(c_.session.host)) {
    step_.grad_clip = options_.grad_clip;
    step_.group = c_.session.group.get();
    const int64_t rank = c_.session.group->rank();  // LibTorch's generator draws for each rank alone
    step_.dropout_key = stream_key(static_cast<uint64_t>(c_.run.seed),
                                   "dropout " + stage_.name + (rank > 0 ? " rank " + std::to_string(rank) : ""));
  }

  // Runs the stage. `rewind` is set after training was rewound by it: the state to continue from is not on the disk yet. Sets
  // `rewind` when it returns StageEnd::rewound.
  StageEnd run(std::optional<Rewind>& rewind) {
    TrainState state = resume(rewind);
    if (rewind)
      publish_rewound(state, *rewind);
    else if (foreign_ && !options_.eval_only)
      adopt(state);
    const int64_t started_at = state.step;
    TrainContext context{step_,
                         parts_,
                         *this,
                         network_,
                         *c_.session.group,
                         *c_.session.dataset,
                         c_.session.dataset_mutex,
                         c_.bus,
                         c_.signals,
                         c_.session.host,
                         items_.operations,
                         items_.evaluators,
                         factory_,
                         c_.session.structure,
                         c_.journal};
    context.seed = static_cast<uint64_t>(c_.run.seed);
    context.support.adapter_values = [&](const std::string& item, const Table& values) {
      return c_.session.maker.adapter_values(item, values);
    };
    context.support.data_vocab_size = c_.session.whole_vocab_size();
    context.first_step = first_step_;
    context.peak_flops = c_.run.peak_tflops > 0 ? c_.run.peak_tflops * 1e12 : peak_flops(c_.session.device, c_.session.compute);
    context.memory = c_.memory;
    network_.train(true);
    if (const auto all = network_.parameters();
        std::any_of(all.begin(), all.end(), [](const Parameter& p) { return !p.tensor.requires_grad(); }))
      for (const std::string& line : trainable_table(all)) c_.session.host.log(Level::info, line);
    auto [how, back] = train(options_, context, state);
    set_breadcrumb_place(-1, 0);
    rewind = std::move(back);
    if (rewind) rewind->triggers = items_.operations.states();
    if (how == StageEnd::finished && state.step == started_at && started_at > 0 && !options_.eval_only && is_last_to_train())
      say_finished(state);
    if (how == StageEnd::early_stopped)
      c_.session.host.log(Level::info, "stage '" + stage_.name + "' ended early: no improvement in " +
                                           std::to_string(options_.patience) + " evaluations");
    return how;
  }

 private:
  bool writes() const { return c_.session.group->rank() == 0; }
  bool keeps_points() const override { return true; }
  int64_t keep_point(const TrainState& now, int64_t number) override {
    SavedState saved;
    saved.saves = saves();
    if (writes()) points_.publish(number, parts_of(now, saved));
    return marked_best();
  }
  int64_t marked_best() const override { return c_.store.best().value_or(-1); }
  void forget_points_before(int64_t number) override {
    if (writes()) points_.keep_only(number, kNoLimit);
  }
  std::optional<Error> point_problem(int64_t number) override {
    try {
      require_readable(c_.files, verify_checkpoint(c_.files, point_folder(c_, number)));
      return std::nullopt;
    } catch (const Error& e) {
      return e;
    }
  }

  TrainState resume(const std::optional<Rewind>& rewind) {
    const bool mine = c_.resumed && c_.saved && c_.saved->stage == stage_.name;
    first_step_ = mine ? c_.saved->first_step : c_.global_step();
    if (!mine) {
      parts_.build(options_, nullptr);
      return {};
    }
    TrainState state = c_.saved->train;
    const ResumedOperations known = resume_operations(items_.operations, state, rewind ? &rewind->triggers : nullptr);
    for (const std::string& difference : known.differences)
      c_.session.host.log(Level::info, (rewind ? "after going back: " : "resume: ") + difference);
    if (rewind) rewind->amend(state, c_.journal);
    const TrainOptions changed = with_settings(options_, state.settings);
    step_.grad_clip = changed.grad_clip;
    const NamedMoments updates = saved_updates(c_.files, *c_.resumed, network_.parameters(), c_.saved->born);
    parts_.build(changed, &updates);
    load_moments(c_.files, *c_.resumed, parts_.optimizer(), c_.other_model);
    scaler_.scale().fill_(c_.saved->loss_scale);
    scaler_.growth().fill_(c_.saved->loss_scale_growth);
    std::vector<std::string> own(known.from.size());
    for (size_t i = 0; i < own.size(); ++i)
      if (known.from[i] && c_.resumed->has(operation_file(*known.from[i])))
        own[i] = c_.resumed->text(c_.files, operation_file(*known.from[i]));
    items_.operations.load(state.triggers, own);
    if (!c_.other_model && !options_.eval_only) items_.evaluators.load(state.evaluator_failures, c_.session.host);
    const bool other_model = std::exchange(c_.other_model, false), here = is_saved_by(c_.resumed->directory, c_.run_dir);
    foreign_ = other_model || !here;
    if (!here) state.former_bests.clear();
    if (other_model || c_.other_data) forget_losses(state, other_model ? "another model" : "other data");
    c_.resumed.reset();
    return state;
  }

  // Drops the losses of a state that is of another model or of other data: `what`.
  void forget_losses(TrainState& state, const std::string& what) {
    const bool tells = std::isfinite(state.best_val_loss) && !options_.eval_only;
    const int64_t former = tells ? marked_best() : -1;
    if (former >= 0) state.former_bests.insert(former);
    state.forget_losses();
    state.evaluated_step = -1;
    state.train_loss = state.val_loss = std::nullopt;
    state.skips_in_a_row = 0;
    items_.operations.restart_plateaus();
    if (!tells) return;
    c_.session.host.log(
        Level::info,
        "earlier losses are of " + what +
            " and do not compare with later ones: the best model, patience and the limits of "
            "on_spike count from the next evaluation and update" +
            (former < 0 ? "" : "; the best checkpoint until then, of step " + std::to_string(former) + ", is kept"));
  }

  // Saves the checkpoint of another run or model as this run's first one, because training can only return to checkpoints of
  // this model in this run's folder. Drops its restore points, which are neither.
  void adopt(TrainState& state) {
    if (!std::exchange(state.undo_points, {}).empty())
      c_.session.host.log(Level::warning,
                          "the operations that were on trial in " + c_.last_checkpoint + " cannot be undone here");
    state.rewind_step = state.step;
    save(state, state.evaluated_step == state.step && state.val_loss == state.best_val_loss);
  }

  bool is_last_to_train() const {
    const auto& stages = c_.config.stages;
    return std::none_of(stages.begin() + (&stage_ - stages.data() + 1), stages.end(),
                        [&](const StageConfig& later) { return does_train(later) && !c_.has_ended(later.name); });
  }

  void say_finished(const TrainState& state) {
    const TrainOptions o = with_settings(options_, state.settings);
    const char* const limit = state.step >= o.max_iters                          ? "max_iters"
                              : o.max_tokens > 0 && state.tokens >= o.max_tokens ? "max_tokens"
                                                                                 : "max_time";
    c_.session.host.log(Level::info, "stage '" + stage_.name + "', step " + std::to_string(state.step) + " of " +
                                         std::to_string(o.max_iters) + ": nothing to do; raise " + limit +
                                         ", or start over with --overwrite");
  }

  // Publishes the rewound state, then deletes the newer checkpoints that it replaces. Restores the best model of that time.
  void publish_rewound(TrainState& state, const Rewind& rewind) {
    state.rewind_step = state.step;
    Table told = rewind.told;
    if (c_.saved->saves > 0) told.emplace_back(field::kSaves, c_.saved->saves);
    c_.bus.emit(Event::operation, c_.global_step(), std::move(told));
    if (writes() && rewind.point && rewind.point->step >= 0) c_.store.make_best(rewind.point->best_step);
    save(state, false);
    if (writes()) c_.store.keep_only(0, c_.global_step());
  }

  void save(const TrainState& now, bool best) override {
    std::set<int64_t> kept;  // steps that training may return to
    for (const UndoPoint& point : now.undo_points) kept.insert(point.best_step);
    kept.insert(now.former_bests.begin(), now.former_bests.end());
    if (options_.on_spike == "rewind" && now.rewind_step >= 0) kept.insert(first_step_ + now.rewind_step);
    c_.store.keep(std::move(kept));
    SavedState state;
    state.saves = saves() + 1;
    const std::vector<CheckpointPart> parts = parts_of(now, state);
    if (writes()) c_.last_checkpoint = c_.store.publish(first_step_ + now.step, parts, best).directory.string();
    c_.saved = std::move(state);
    c_.bus.emit(Event::checkpoint_saved, c_.global_step(),
                {{field::kPath, c_.last_checkpoint}, {field::kBest, best}, {field::kSaves, saves()}});
  }

  int64_t saves() const { return c_.saved ? c_.saved->saves : 0; }

  // Returns a checkpoint's files. Their tensors are the network's own: write them before training continues.
  std::vector<CheckpointPart> parts_of(const TrainState& now, SavedState& state) {
    std::vector<CheckpointPart> parts;
    state.stage = stage_.name;
    state.first_step = first_step_;
    state.train = now;
    state.loss_scale = scaler_.scale().item<float>();
    state.loss_scale_growth = scaler_.growth().item<int>();
    state.threads = c_.session.threads;
    state.vocab_size = network_.vocab_size();
    save_data(state, parts);
    state.ended = c_.ended;
    state.settings = settings_of(c_.config);
    state.observing_settings = observing_settings_of(c_.config);
    state.structure = c_.session.structure;
    state.journal = c_.journal;
    stored_.clear();
    parts.push_back(tensor_part("model.safetensors", named_tensors(network_.parameters()), stored_));
    parts.push_back(tensor_part(kOptimizerFile, parts_.optimizer().state(), stored_));
    if (const auto adapters = network_.adapters(); !adapters.empty())
      parts.push_back(adapter_part(kAdaptersFile, network_.parameters(), adapters, c_.session.structure.keys, stored_,
                                   tokens_hash(c_.session.tokenizer.get(), shown_ids(c_.session.dataset.get()))));
    parts.push_back({"state.json", format_state(state)});
    parts.push_back({"config.toml", c_.config.started().to_toml()});
    if (c_.session.tokenizer) parts.push_back({kTokenizerFile, c_.session.tokenizer->save()});
    const std::vector<std::string> operations = items_.operations.save();
    for (size_t i = 0; i < operations.size(); ++i)
      if (!operations[i].empty()) parts.push_back({operation_file(i), operations[i]});
    return parts;
  }

  // Adds what a resumed run must know of the dataset. Holds the dataset's lock, because the next batches are made meanwhile.
  void save_data(SavedState& state, std::vector<CheckpointPart>& parts) {
    const std::lock_guard lock(c_.session.dataset_mutex);
    Dataset& dataset = *c_.session.dataset;
    state.data = dataset.fingerprint();
    if (std::string own = dataset.save(); !own.empty()) parts.push_back({kDatasetFile, std::move(own)});
    if (const ShownVocabulary* shown = shown_vocabulary(&dataset); shown && !shown->shown_ids().empty())
      parts.push_back({kVocabularyFile, format_vocabulary(*shown)});
  }

  StageContext& c_;
  const StageConfig& stage_;
  TrainOptions options_;
  Network& network_;
  StageItems& items_;
  GradScaler scaler_;
  NetworkFactory factory_;
  TrainStep step_;
  TrainedParts parts_;
  CheckpointStore points_;
  int64_t first_step_ = 0;
  bool foreign_ = false;            // the state comes from a checkpoint of another run or model
  std::vector<at::Tensor> stored_;  // copies that the parts of a checkpoint refer to
};

Checkpoint target_of(StageContext& c, const Rewind& rewind) {
  if (rewind.point) return verify_checkpoint(c.files, point_folder(c, rewind.point->number));
  try {
    Checkpoint found = verify_checkpoint(c.files, checkpoint_folder(c.run_dir) / step_name(rewind.step));
    require_readable(c.files, found);
    return found;
  } catch (const Error& e) {
    c.session.host.log(Level::warning, e.line() + "; training returns to the newest undamaged checkpoint");
  }
  const auto newest = c.store.find_latest();
  if (!newest) throw Error(Code::checkpoint_missing, "there is no checkpoint to return to", {}, c.run_dir.string());
  return *newest;
}

}  // namespace

bool run_stage(StageContext& context, const StageConfig& stage, const TrainOptions& options) {
  for (std::optional<Rewind> rewind;;) {
    const StageEnd how = TrainStage(context, stage, options).run(rewind);
    if (how != StageEnd::rewound) return how != StageEnd::interrupted;
    context.reload(target_of(context, *rewind));
  }
}

}  // namespace gptcore
