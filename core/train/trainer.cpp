#include "core/train/trainer.h"

#include <ATen/TensorOperators.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <string>

#include "core/data/prefetcher.h"
#include "core/optim/schedule.h"
#include "core/plugin/breadcrumb.h"
#include "core/train/batch_trials.h"
#include "core/train/evaluation.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr int kMaxFailedSaves = 3;

// The updates since the last log line: times exclude evaluations and checkpoints.
struct Meter {
  double seconds = 0;
  int64_t updates = 0;
};

class Loop {
 public:
  Loop(const TrainOptions& options, TrainContext& context, TrainState& state)
      : options_(options),
        o_(with_settings(options, state.settings)),
        c_(context),
        s_(state),
        view_(context.network),
        block_(context.step.model.block_size()),
        saved_step_(state.step > 0 ? state.step : -1),
        trials_(context.step, context.group, [this](int64_t count) { return next_samples(count); }),
        support_(context.support),
        duties_(duties()),
        memory_(o_.emergency_free_percent, context.step.device, context.memory) {
    count_tokens();
    if (o_.log_timing) timing_.emplace(c_.step.device);
    support_.options = &o_;
    support_.trials = &trials_;
  }

  StageEnd run() {
    if (!s_.started) {
      s_.started = true;
      ask_operations(Event::stage_started);
    }
    while (true) {
      const bool last = finished();
      const bool due = last || o_.eval_only || (o_.eval_interval > 0 && s_.step % o_.eval_interval == 0);
      if (due && s_.evaluated_step != s_.step) {
        if (!evaluate()) return interrupted();
      }
      if (last || o_.eval_only) return end(StageEnd::finished);
      if (o_.patience > 0 && s_.evaluations_since_best >= o_.patience) return end(StageEnd::early_stopped);
      update();
      ask_operations(Event::step_ended);
      if (o_.checkpoint_interval > 0 && s_.step % o_.checkpoint_interval == 0 && !finished())
        save(false, Must::try_again_later);
      save_when_memory_is_short();
      if (c_.signals.received()) return interrupted();
    }
  }

 private:
  bool finished() const {
    return s_.step >= o_.max_iters || (o_.max_tokens > 0 && s_.tokens >= o_.max_tokens) ||
           (o_.max_time > 0 && s_.seconds >= o_.max_time);
  }

  StageEnd end(StageEnd how) {
    if (!o_.eval_only && saved_step_ != s_.step) save(false, Must::succeed);
    return how;
  }

  StageEnd interrupted() {
    save(false, Must::succeed);
    return StageEnd::interrupted;
  }

  void count_tokens() {
    accumulation_ = accumulation_steps(o_, block_, c_.group.size());
    samples_per_step_ = o_.batch_size * accumulation_ * c_.group.size();
  }

  // Of all ranks.
  double largest(double number) { return gptcore::largest(c_.group, c_.step.device, number); }

  void refresh(TrainingView& now, bool agree_on_time = true) {
    now.step = s_.step;
    now.tokens = s_.tokens;
    now.seconds = agree_on_time ? largest(s_.seconds) : s_.seconds;
    now.grad_norm = s_.grad_norm;
    if (s_.evaluated_step >= 0) {
      now.train_loss = s_.train_loss;
      now.val_loss = s_.val_loss;
    }
    now.learning_rate = o_.learning_rate;
    now.batch_size = o_.batch_size;
    now.gradient_accumulation_steps = accumulation_;
    now.max_iters = o_.max_iters;
  }

  void ask_operations(Event event) {
    if (c_.operations.empty()) return;
    TrainingView now;
    now.event = event;
    refresh(now, c_.operations.waits_for_time(event));
    c_.operations.ask(now, record_, duties_);
    record_.clear();
  }

  OperationDuties duties() {
    OperationDuties d;
    d.carry_out = [this](ScheduledOperation& o, const TrainingView& now) { return carry_out(o, now); };
    d.refresh = [this](TrainingView& now) { refresh(now); };
    d.reevaluate = [this] {
      const bool has_val = c_.dataset.windows(Split::val) > 0;
      return s_.val_loss = split_loss(has_val ? Split::val : Split::train, /*interruptible=*/false);
    };
    d.agree = [this](double number) { return largest(number); };
    d.report = [this](Table fields) { c_.bus.emit(Event::operation, c_.first_step + s_.step, std::move(fields)); };
    d.first_step = c_.first_step;
    d.save = [this] { save_before_failing(); };
    return d;
  }

  // Those that the next update takes, without taking them.
  Batch next_samples(int64_t count) {
    Batch batch;
    const std::lock_guard lock(c_.dataset_mutex);
    c_.dataset.batch({Split::train, Order::shuffled, s_.samples, count}, batch);
    return batch;
  }

  bool carry_out(ScheduledOperation& o, const TrainingView& now) {
    PlannedEdit edit(view_, o.effects, support_);
    o.operation->plan(now, edit);
    if (edit.empty()) return false;
    commit(o.name, edit);
    return true;
  }

  // All of the plan or, when it does not fit, an Error and nothing.
  void commit(const std::string& operation, const PlannedEdit& plan) {
    Table settings = s_.settings;
    for (const auto& [key, value] : plan.settings) put(settings, key, value);
    TrainOptions changed = with_settings(options_, settings);
    accumulation_steps(changed, block_, c_.group.size());  // throws when tokens_per_step no longer divides
    CommitReport report;
    if (!plan.edits.empty())
      report = commit_edits(plan, changed);
    else if (changed.batch_size != o_.batch_size || changed.weight_decay != o_.weight_decay)
      c_.rebuild(changed, s_.born, nullptr);
    if (changed.batch_size != o_.batch_size) prefetcher_.reset();
    s_.settings = std::move(settings);
    o_ = std::move(changed);
    count_tokens();
    c_.step.grad_clip = o_.grad_clip;
    const std::vector<std::string> lines = plan.lines();
    c_.journal.push_back({c_.first_step + s_.step, operation, lines});
    emit_edit(operation, lines, plan, report);
  }

  CommitReport commit_edits(const PlannedEdit& plan, const TrainOptions& changed) {
    for (const Edit& edit : plan.edits)
      if (const auto* data = std::get_if<SetData>(&edit)) {
        const std::lock_guard lock(c_.dataset_mutex);
        c_.dataset.set(data->key, data->value);
      }
    const auto probe = [this] {
      constexpr int64_t kProbe = int64_t{1} << 49;  // where no run and no evaluation gets to
      Batch batch;
      const std::lock_guard lock(c_.dataset_mutex);
      c_.dataset.batch({Split::train, Order::shuffled, kProbe, 2}, batch);
      return batch;
    };
    CommitContext context{c_.network, c_.step, c_.group, c_.factory, c_.structure, s_.born};
    context.key = stream_key(c_.seed, "edit " + std::to_string(c_.journal.size()));
    context.steps_done = s_.step;
    context.probe = probe;
    context.rebuild = [&](const std::map<std::string, MomentPair>* moments) { c_.rebuild(changed, s_.born, moments); };
    return gptcore::commit_edits(context, plan);
  }

  void emit_edit(const std::string& operation, const std::vector<std::string>& lines, const PlannedEdit& plan,
                 const CommitReport& report) {
    Table fields{{"operation", operation}, {"changes", List(lines.begin(), lines.end())}};
    if (!plan.edits.empty()) {
      fields.emplace_back("params", report.parameters);
      fields.emplace_back("trainable", report.trainable);
      fields.emplace_back("moments_carried", report.moments_carried);
      fields.emplace_back("moments_new", report.moments_new);
    }
    if (std::isfinite(report.moved)) {
      fields.emplace_back("logits_moved", report.moved);
      fields.emplace_back("loss_before", report.loss_before);
      fields.emplace_back("loss_after", report.loss_after);
    }
    c_.bus.emit(Event::model_edited, c_.first_step + s_.step, std::move(fields));
  }

  enum class Must { succeed, try_again_later };

  void save(bool best, Must must) {
    try {
      s_.triggers = c_.operations.states();
      c_.save(s_, best);
      saved_step_ = s_.step;
      failed_saves_ = 0;
      c_.operations.published();
    } catch (const Error& e) {
      const bool disk = e.code() == Code::io || e.code() == Code::disk_full;
      if (!disk || must == Must::succeed || ++failed_saves_ >= kMaxFailedSaves) throw;
      c_.host.log(Level::warning, std::string("the checkpoint could not be saved, training goes on: ") + e.what());
    }
  }

  // All ranks save when one is short. Several agree where they log, which makes each wait for the others.
  void save_when_memory_is_short() {
    const bool alone = c_.group.size() == 1;
    if (saved_step_ == s_.step || finished() || (!alone && s_.step % o_.log_interval != 0)) return;
    const std::string found = memory_.look();
    if (largest(found.empty() ? 0 : 1) == 0) return;
    c_.host.log(Level::warning, "memory is short" + (found.empty() ? " on another rank" : ": " + found) +
                                    "; a checkpoint of step " + std::to_string(c_.first_step + s_.step) +
                                    " is saved and training goes on");
    save(false, Must::try_again_later);
  }

  // The failure that ends the run is the one to be told.
  void save_before_failing() {
    try {
      save(false, Must::succeed);
    } catch (const std::exception& e) {
      c_.host.log(Level::warning, std::string("no checkpoint could be saved before the end: ") + e.what());
    }
  }

  double split_loss(Split split, bool interruptible) {
    const EvaluationPlan plan{o_.eval_iters, o_.eval_batch_size > 0 ? o_.eval_batch_size : o_.batch_size};
    return evaluate_loss(c_.step.model, c_.dataset, c_.dataset_mutex, split, plan, c_.group, c_.step.device,
                         [&] { return interruptible && c_.signals.received() != 0; });
  }

  bool evaluate() {
    Stopwatch watch(timing());
    c_.bus.emit(Event::evaluation_started, c_.first_step + s_.step);
    const double train_loss = split_loss(Split::train, /*interruptible=*/true);
    const bool has_val = c_.dataset.windows(Split::val) > 0;
    const double val_loss = has_val ? split_loss(Split::val, /*interruptible=*/true) : train_loss;
    if (c_.signals.received()) return false;
    s_.evaluated_step = s_.step;
    s_.train_loss = train_loss;
    s_.val_loss = val_loss;
    const bool best = val_loss < s_.best_val_loss;
    const bool improved = best && !(s_.best_val_loss - val_loss < o_.min_delta);
    s_.evaluations_since_best = improved ? 0 : s_.evaluations_since_best + 1;
    if (best) s_.best_val_loss = val_loss;
    Table fields{{"train_loss", train_loss}};
    if (has_val) fields.emplace_back("val_loss", val_loss);
    fields.emplace_back("best", s_.best_val_loss);
    fields.emplace_back("whole_split", o_.eval_iters == kWholeSplit);
    if (o_.eval_iters != kWholeSplit) fields.emplace_back("batches", o_.eval_iters);
    for (auto& metric : c_.evaluators.run(view_, c_.group, c_.bus, c_.host, c_.first_step + s_.step))
      fields.push_back(std::move(metric));
    watch.lap(StepSection::evaluation);
    if (timing_) timing_->end_evaluation();
    record_ = fields;
    c_.bus.emit(Event::evaluation_ended, c_.first_step + s_.step, std::move(fields));
    ask_operations(Event::evaluation_ended);
    const bool due = o_.checkpoint_interval == 0 && s_.step > 0;
    if (!o_.eval_only && due && (best || o_.always_save_checkpoint)) save(best, Must::try_again_later);
    return true;
  }

  void update() {
    const auto start = Clock::now();
    if (!prefetcher_)
      prefetcher_.emplace(c_.dataset, BatchPlan{o_.batch_size, c_.group.rank(), c_.group.size(), s_.samples}, c_.dataset_mutex);
    set_breadcrumb_place(c_.first_step + s_.step, c_.group.rank());
    const double lr = learning_rate_at(o_, s_.step);
    const bool log = s_.step % o_.log_interval == 0;
    const StepResult result = train_step(c_.step, [&] { return prefetcher_->next(); }, accumulation_, s_.micro_batches, lr,
                                         {timing(), log && o_.log_layer_norms});
    if (timing_) timing_->end_update();
    s_.micro_batches += accumulation_;
    s_.samples += samples_per_step_;
    s_.tokens += samples_per_step_ * block_;
    ++s_.step;
    // Reading a number waits for the device: on a GPU only where somebody wants to see one.
    const bool read = log || c_.step.device.is_cpu();
    if (read) guard_nonfinite(result);
    if (read || c_.operations.waits_for_grad_norm()) note_grad_norm(result.grad_norm.item<float>());
    const double seconds = seconds_since(start);
    s_.seconds += seconds;
    meter_.seconds += seconds;
    ++meter_.updates;
    if (log) emit_step(result, lr);
  }

  void note_grad_norm(double norm) { s_.grad_norm = std::isfinite(norm) ? norm : std::numeric_limits<double>::quiet_NaN(); }

  // An overflow under a gradient scaler is expected now and then: the scaler halves its scale and training goes on.
  void guard_nonfinite(const StepResult& result) {
    if (result.found_inf.item<float>() == 0) {
      s_.skips_in_a_row = 0;
      return;
    }
    ++s_.skips_in_a_row;
    const std::string what = "step " + std::to_string(c_.first_step + s_.step - 1) + ": loss " +
                             std::to_string(result.loss.item<float>()) + ", gradient norm " +
                             std::to_string(result.grad_norm.item<float>()) + first_bad();
    const bool patient = c_.step.scaler.enabled() || o_.on_nonfinite == "skip";
    if (!patient || s_.skips_in_a_row > o_.max_skips)
      throw Error(Code::nonfinite, what,
                  "no parameter was changed by this step; lower learning_rate, or set on_nonfinite = \"skip\"");
    if (!c_.step.scaler.enabled()) c_.host.log(Level::warning, what + "; update skipped");
  }

  std::string first_bad() const {
    for (const FlatParameters::Slot& slot : c_.step.parameters->slots()) {
      if (slot.frozen) continue;
      const at::Tensor grad = FlatParameters::view(c_.step.parameters->groups()[slot.group].grads, slot);
      if (!grad.isfinite().all().item<bool>()) return "; first gradient that is not finite: " + slot.name;
    }
    return "";
  }

  void emit_step(const StepResult& result, double lr) {
    const double per_update = meter_.seconds / static_cast<double>(meter_.updates);
    const double rate = static_cast<double>(samples_per_step_ * block_) / per_update;
    meter_ = {};
    Table fields{{"iter", c_.first_step + s_.step - 1},
                 {"loss", static_cast<double>(result.loss.item<float>())},
                 {"lr", lr},
                 {"grad_norm", static_cast<double>(result.grad_norm.item<float>())},
                 {"ms", per_update * 1e3},
                 {"tokens_per_s", rate}};
    if (c_.peak_flops > 0)
      fields.emplace_back("mfu",
                          c_.step.model.flops_per_token() * rate / (c_.peak_flops * static_cast<double>(c_.group.size())));
    fields.emplace_back("tokens", s_.tokens);
    fields.emplace_back("max_iters", o_.max_iters);
    fields.emplace_back("progress", static_cast<double>(s_.step) / static_cast<double>(o_.max_iters));
    fields.emplace_back("eta_s", per_update * static_cast<double>(o_.max_iters - s_.step));
    if (timing_)
      for (auto& field : timing_->fields()) fields.push_back(std::move(field));
    append_layer_norms(result.layer_norms, fields);
    record_ = fields;
    c_.bus.emit(Event::step_ended, c_.first_step + s_.step, std::move(fields));
  }

  static void append_layer_norms(const LayerNorms& measured, Table& fields) {
    if (measured.layers.empty()) return;
    const at::Tensor norms = measured.norms.to(at::kCPU, at::kDouble);
    for (size_t i = 0; i < measured.layers.size(); ++i)
      fields.emplace_back("grad_norm." + measured.layers[i], norms.const_data_ptr<double>()[i]);
  }

  Timing* timing() { return timing_ ? &*timing_ : nullptr; }

  const TrainOptions& options_;  // as the pipeline has them
  TrainOptions o_;               // as operations left them
  TrainContext& c_;
  TrainState& s_;
  NetworkView view_;
  Table record_;  // of the event that operations are asked after
  int64_t block_, accumulation_ = 1, samples_per_step_ = 0;
  int64_t saved_step_;    // where the newest checkpoint is
  int failed_saves_ = 0;  // in a row
  LoopTrials trials_;
  EditSupport support_;
  OperationDuties duties_;
  MemoryWatch memory_;
  std::optional<Timing> timing_;
  Meter meter_;
  std::optional<Prefetcher> prefetcher_;
};

}  // namespace

int64_t accumulation_steps(const TrainOptions& options, int64_t block_size, int64_t ranks) {
  if (options.tokens_per_step == 0) return options.gradient_accumulation_steps;
  const int64_t one = options.batch_size * block_size * ranks;
  if (options.tokens_per_step % one != 0)
    throw Error(Code::conflict,
                "tokens_per_step " + std::to_string(options.tokens_per_step) +
                    " is not a multiple of batch_size x block_size x ranks = " + std::to_string(one),
                "choose a batch_size that divides it");
  return options.tokens_per_step / one;
}

StageEnd train(const TrainOptions& options, TrainContext& context, TrainState& state) {
  return Loop(options, context, state).run();
}

}  // namespace gptcore
