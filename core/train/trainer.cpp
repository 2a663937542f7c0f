#include "core/train/trainer.h"

#include <ATen/TensorOperators.h>

#include <chrono>
#include <optional>
#include <string>

#include "core/data/prefetcher.h"
#include "core/optim/schedule.h"
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
      : o_(options),
        c_(context),
        s_(state),
        block_(context.step.model.block_size()),
        accumulation_(accumulation_steps(options, block_, context.group.size())),
        tokens_per_step_(options.batch_size * accumulation_ * block_ * context.group.size()),
        saved_step_(state.step > 0 ? state.step : -1) {}

  StageEnd run() {
    while (true) {
      const bool last = finished();
      const bool due = last || o_.eval_only || (o_.eval_interval > 0 && s_.step % o_.eval_interval == 0);
      if (due && s_.evaluated_step != s_.step) {
        if (!evaluate()) return interrupted();
      }
      if (last || o_.eval_only) return end(StageEnd::finished);
      if (o_.patience > 0 && s_.evaluations_since_best >= o_.patience) return end(StageEnd::early_stopped);
      update();
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

  enum class Must { succeed, try_again_later };

  void save(bool best, Must must) {
    try {
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
    c_.bus.emit(Event::evaluation_ended, c_.first_step + s_.step, std::move(fields));
    const bool due = o_.checkpoint_interval == 0 && s_.step > 0;
    if (!o_.eval_only && due && (best || o_.always_save_checkpoint)) save(best, Must::try_again_later);
    return true;
  }

  void update() {
    const auto start = Clock::now();
    if (!prefetcher_)
      prefetcher_.emplace(c_.dataset, BatchPlan{o_.batch_size, c_.group.rank(), c_.group.size(), s_.micro_batches},
                          c_.dataset_mutex);
    const double lr = learning_rate_at(o_, s_.step);
    const StepResult result = train_step(
        c_.step, [&] { return prefetcher_->next(); }, accumulation_, s_.micro_batches, lr);
    s_.micro_batches += accumulation_;
    s_.tokens += tokens_per_step_;
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
    for (const FlatParameters::Slot& slot : c_.step.parameters.slots()) {
      const at::Tensor grad = FlatParameters::view(c_.step.parameters.groups()[slot.group].grads, slot);
      if (!grad.isfinite().all().item<bool>()) return "; first gradient that is not finite: " + slot.name;
    }
    return "";
  }

  void emit_step(const StepResult& result, double lr) {
    const double per_update = meter_.seconds / static_cast<double>(meter_.updates);
    const double rate = static_cast<double>(tokens_per_step_) / per_update;
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

  const TrainOptions& o_;
  TrainContext& c_;
  TrainState& s_;
  int64_t block_, accumulation_, tokens_per_step_;
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
