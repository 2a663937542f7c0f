#include "core/train/trainer.h"

#include <ATen/TensorOperators.h>

#include <chrono>
#include <optional>
#include <string>

#include "core/data/prefetcher.h"
#include "core/optim/schedule.h"
#include "core/plugin/breadcrumb.h"
#include "core/train/evaluation.h"
#include "gptcore/error.h"

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
        saved_step_(state.step > 0 ? state.step : -1) {
    count_tokens();
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

  void refresh(TrainingView& now) const {
    now.step = s_.step;
    now.tokens = s_.tokens;
    now.seconds = s_.seconds;
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
    refresh(now);
    c_.operations.ask(
        now, view_, [this](const std::string& name, const PlannedEdit& edit) { commit(name, edit); },
        [this](TrainingView& view) { refresh(view); });
  }

  // All of the edit or, when it does not fit, an Error and nothing.
  void commit(const std::string& operation, const PlannedEdit& edit) {
    Table settings = s_.settings;
    for (const auto& [key, value] : edit.settings) {
      std::erase_if(settings, [&, name = key](const auto& old) { return old.first == name; });
      settings.emplace_back(key, value);
    }
    TrainOptions changed = with_settings(options_, settings);
    accumulation_steps(changed, block_, c_.group.size());  // throws when tokens_per_step no longer divides
    const bool rebuild = changed.batch_size != o_.batch_size || changed.weight_decay != o_.weight_decay ||
                         !edit.freezes.empty() || !edit.unfreezes.empty();
    if (changed.batch_size != o_.batch_size) prefetcher_.reset();
    s_.settings = std::move(settings);
    o_ = std::move(changed);
    for (const std::string& name : edit.freezes) s_.trainable[name] = false;
    for (const std::string& name : edit.unfreezes) s_.trainable[name] = true;
    for (const Parameter& p : c_.network.parameters())
      if (const auto found = s_.trainable.find(p.name); found != s_.trainable.end()) p.tensor.set_requires_grad(found->second);
    count_tokens();
    c_.step.grad_clip = o_.grad_clip;
    if (rebuild) c_.rebuild(o_);
    List changes;
    for (std::string& line : edit.lines()) changes.emplace_back(std::move(line));
    c_.bus.emit(Event::model_edited, c_.first_step + s_.step, {{"operation", operation}, {"changes", std::move(changes)}});
  }

  enum class Must { succeed, try_again_later };

  void save(bool best, Must must) {
    try {
      s_.fired = c_.operations.fired();
      c_.save(s_, best);
      saved_step_ = s_.step;
      failed_saves_ = 0;
    } catch (const Error& e) {
      const bool disk = e.code() == Code::io || e.code() == Code::disk_full;
      if (!disk || must == Must::succeed || ++failed_saves_ >= kMaxFailedSaves) throw;
      c_.host.log(Level::warning, std::string("the checkpoint could not be saved, training goes on: ") + e.what());
    }
  }

  bool evaluate() {
    const EvaluationPlan plan{o_.eval_iters, o_.eval_batch_size > 0 ? o_.eval_batch_size : o_.batch_size};
    const auto measure = [&](Split split) {
      return evaluate_loss(c_.step.model, c_.dataset, c_.dataset_mutex, split, plan, c_.group, c_.step.device,
                           [&] { return c_.signals.received() != 0; });
    };
    c_.bus.emit(Event::evaluation_started, c_.first_step + s_.step);
    const double train_loss = measure(Split::train);
    const bool has_val = c_.dataset.windows(Split::val) > 0;
    const double val_loss = has_val ? measure(Split::val) : train_loss;
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
    fields.emplace_back("whole_split", plan.iters == kWholeSplit);
    if (plan.iters != kWholeSplit) fields.emplace_back("batches", plan.iters);
    for (auto& metric : c_.evaluators.run(view_, c_.group, c_.bus, c_.host, c_.first_step + s_.step))
      fields.push_back(std::move(metric));
    c_.bus.emit(Event::evaluation_ended, c_.first_step + s_.step, std::move(fields));
    ask_operations(Event::evaluation_ended);
    const bool due = o_.checkpoint_interval == 0 && s_.step > 0;
    if (!o_.eval_only && due && (best || o_.always_save_checkpoint)) save(best, Must::try_again_later);
    return true;
  }

  void update() {
    const auto start = Clock::now();
    if (!prefetcher_)
      prefetcher_.emplace(c_.dataset, BatchPlan{o_.batch_size, c_.group.rank(), c_.group.size(), s_.samples},
                          c_.dataset_mutex);
    set_breadcrumb_place(c_.first_step + s_.step, c_.group.rank());
    const double lr = learning_rate_at(o_, s_.step);
    const StepResult result = train_step(
        c_.step, [&] { return prefetcher_->next(); }, accumulation_, s_.micro_batches, lr);
    s_.micro_batches += accumulation_;
    s_.samples += samples_per_step_;
    s_.tokens += samples_per_step_ * block_;
    ++s_.step;
    // Reading a number waits for the device: on a GPU only where somebody wants to see one.
    const bool log = (s_.step - 1) % o_.log_interval == 0;
    if (log || c_.step.device.is_cpu()) guard_nonfinite(result);
    const double seconds = seconds_since(start);
    s_.seconds += seconds;
    meter_.seconds += seconds;
    ++meter_.updates;
    if (log) emit_step(result, lr);
  }

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
    c_.bus.emit(Event::step_ended, c_.first_step + s_.step, std::move(fields));
  }

  const TrainOptions& options_;  // as the pipeline has them
  TrainOptions o_;               // as operations left them
  TrainContext& c_;
  TrainState& s_;
  NetworkView view_;
  int64_t block_, accumulation_ = 1, samples_per_step_ = 0;
  int64_t saved_step_;    // where the newest checkpoint is
  int failed_saves_ = 0;  // in a row
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
