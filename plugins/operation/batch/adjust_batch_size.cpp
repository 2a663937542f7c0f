#include "adjust_batch_size.h"

#include <algorithm>

#include "../argument.h"
#include "search.h"

namespace gptcore::operations {
namespace {

constexpr double kPlainNumberPercent = 50;  // target_vram_percent where the value is a plain number
constexpr int kTries = 2;                   // of a trial; the faster counts

std::string told(const std::vector<Measured>& all, int64_t found) {
  std::string text = "batch sizes tried:";
  for (const Measured& m : all) text += " " + std::to_string(m.size) + (m.fits ? "" : " (too large)");
  return text + "; " + std::to_string(found) + " is used";
}

}  // namespace

void AdjustBatchSize::schema(Schema<AdjustBatchSize>& s) {
  using A = AdjustBatchSize;
  s.param("value", &A::value_, "the parameters below as a table; or current_batch_size, with a target_vram_percent of 50");
  s.param("max_batch_size", &A::max_batch_size_, "no larger batch is tried").range(1, 1e9);
  s.param("target_vram_percent", &A::target_vram_percent_, "share of the device's memory to use, where memory_budget is 0")
      .above(0)
      .at_most(100)
      .unit("%");
  s.param("current_batch_size", &A::current_batch_size_, "where the search starts; 0 = the stage's batch_size").range(0, 1e9);
  s.param("memory_budget", &A::memory_budget_, "the most that a batch may take; 0 = target_vram_percent of the device's memory")
      .at_least(0)
      .unit("bytes");
  s.param(
      "keep_tokens_per_step", &A::keep_tokens_per_step_,
      "change gradient_accumulation_steps too, so that an update sees as many samples as before: then only divisors of that "
      "number are tried, as always where the stage has tokens_per_step");
  s.param("trials", &A::trials_, "no more batch sizes are tried").range(1, 12);
  s.check([](const A& a, Problems& found) { check_argument(found, "value", [&] { a.with_value(); }); });
}

// Returns a copy with the settings of `value` put in.
AdjustBatchSize AdjustBatchSize::with_value() const {
  AdjustBatchSize all = *this;
  all.value_ = {};
  if (const auto start = number_in(value_)) {
    if (!value_.is<int64_t>() || *start < 1) refuse_value("a batch size of 1 or more, or a table", value_);
    all.current_batch_size_ = value_.as<int64_t>();
    all.target_vram_percent_ = kPlainNumberPercent;
  } else if (value_.is<Table>()) {
    const Schema<AdjustBatchSize> schema = schema_of<AdjustBatchSize>();
    for (const auto& [key, value] : value_.as<Table>()) {
      const auto spec =
          std::find_if(schema.specs().begin(), schema.specs().end(), [k = &key](const auto& p) { return p.name == *k; });
      if (spec == schema.specs().end() || key == "value")
        throw Error(Code::unknown_key, "'value' has no key '" + key + "'",
                    "it may have max_batch_size, target_vram_percent, current_batch_size, memory_budget, "
                    "keep_tokens_per_step and trials");
      if (const auto wrong = misfit(*spec, value)) throw Error(Code::out_of_range, "'value." + key + "' " + wrong->text);
    }
    schema.assign(value_.as<Table>(), all);
  } else if (!value_.empty()) {
    refuse_value("a table or a batch size", value_);
  }
  return all;
}

void AdjustBatchSize::open(const OperationContext& context) {
  *this = with_value();
  host_ = context.host;
}

void AdjustBatchSize::plan(const TrainingView& now, ModelEdit& edit) {
  auto* trials = extension_of<BatchTrials>(edit);
  if (!trials) return;  // the schedule is planned, and nothing trained
  const int64_t samples = now.batch_size * now.gradient_accumulation_steps;
  const Value tokens = edit.setting("tokens_per_step");  // where it is set, it sets the accumulation
  const bool fixed_tokens = tokens.is<int64_t>() && tokens.as<int64_t>() > 0;
  SearchRules rules;
  rules.sizes = keep_tokens_per_step_ || fixed_tokens ? divisors_up_to(max_batch_size_, samples)
                                                      : sizes_up_to(max_batch_size_, now.batch_size);
  rules.start = current_batch_size_ > 0 ? current_batch_size_ : now.batch_size;
  rules.memory = memory_budget_ > 0
                     ? memory_budget_
                     : static_cast<int64_t>(static_cast<double>(trials->memory_limit()) * target_vram_percent_ / 100);
  rules.trials = static_cast<int>(trials_);
  const auto all = search_batch_size(rules, [&](int64_t size) { return trials->run(size, kTries); });
  const int64_t found = chosen(all).size;
  if (host_) host_->log(Level::info, told(all, found));
  if (found == now.batch_size) return;
  edit.set("batch_size", found);
  if (keep_tokens_per_step_ && !fixed_tokens) edit.set("gradient_accumulation_steps", samples / found);
}

}  // namespace gptcore::operations
