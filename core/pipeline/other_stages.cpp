// Runs the stages that leave the model as it is: evaluate, sample and prepare.
#include <algorithm>
#include <cstdio>

#include "core/options/evaluate_options.h"
#include "core/options/sample_options.h"
#include "core/pipeline/prepare.h"
#include "core/pipeline/stages.h"
#include "core/pipeline/text_generation.h"
#include "core/train/evaluation.h"
#include "gptcore/error.h"
#include "gptcore/event_fields.h"

namespace gptcore {

namespace {

// Returns "train loss 2.3012, val loss: no targets, hellaswag.acc 0.2500".
std::string in_words(const Table& fields) {
  std::string text;
  const auto append = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const auto& [key, value] : fields) {
    if (key == field::kNoTargets)
      for (const Value& split : value.as<List>()) append(split.as<std::string>() + " loss: no targets");
    if (!value.is<double>()) continue;
    char number[64];
    std::snprintf(number, sizeof number, " %.4f", value.as<double>());
    std::string name = key;
    if (key == field::kTrainLoss || key == field::kValLoss) name.replace(name.find('_'), 1, " ");
    append(name + number);
  }
  return text;
}

}  // namespace

bool run_stage(StageContext& c, const StageConfig& stage, const EvaluateOptions& options) {
  const EvaluationPlan plan{options.eval_iters, options.batch_size};
  c.bus.emit(Event::evaluation_started, c.global_step());
  Table fields;
  for (const Split split : {Split::train, Split::val}) {
    const std::string name = name_of(split);
    if (std::find(options.splits.begin(), options.splits.end(), name) == options.splits.end()) continue;
    add_loss(
        fields, split,
        evaluate_loss(*c.session.model, *c.session.dataset, c.session.dataset_mutex, split, plan, *c.session.group,
                      c.session.device, [&, tell = evaluation_progress(c.session.host, split)](int64_t batch, int64_t batches) {
                        tell(batch, batches);
                        return c.signals.received() == 0;
                      }));
  }
  if (c.signals.received()) return false;
  const NetworkView view(*c.session.model);
  for (auto& metric : c.items.at(stage.name).evaluators.run(view, *c.session.group, c.bus, c.session.host, c.global_step()))
    fields.push_back(std::move(metric));
  fields.emplace_back(field::kWholeSplit, plan.iters == kWholeSplit);
  if (plan.iters != kWholeSplit) fields.emplace_back(field::kBatches, plan.iters);
  c.result = in_words(fields) + (plan.iters == kWholeSplit ? " (whole split)" : "");
  const Table losses = fields;
  c.bus.emit(Event::evaluation_ended, c.global_step(), std::move(fields));
  for (const char* name : {field::kTrainLoss, field::kValLoss})
    if (const Value* loss = find(losses, name)) require_finite(loss->as<double>(), "stage '" + stage.name + "': " + name);
  return true;
}

bool run_stage(StageContext& c, const StageConfig& stage, const SampleOptions& options) {
  const TextRequest request = text_request(options, {c.prompts.at(stage.name)}, static_cast<uint64_t>(c.run.seed));
  TextEvents events;
  events.piece = [&](size_t, std::string_view) { return c.signals.received() == 0; };
  events.done = [&](size_t index, const GeneratedText& text) {
    c.bus.emit(
        Event::sampled, c.global_step(),
        {{field::kIndex, static_cast<int64_t>(index)}, {field::kPrompt, request.prompts.front()}, {field::kText, text.text}});
    c.result += (index > 0 ? "\n" : "") + ("--- sample\n" + request.prompts.front() + text.text + "\n---");
  };
  try {
    generate_texts(*c.session.model, c.session.device, *c.session.tokenizer, request, events);
  } catch (const Error& e) {
    if (!e.where().empty()) throw;
    throw Error(e.code(), "stage '" + stage.name + "': " + e.what(), e.hint(), stage.table.location.text());
  }
  return c.signals.received() == 0;
}

bool run_stage(StageContext& c, const StageConfig&, const PrepareOptions& options) {
  const auto made = prepare_data(c.config, c.session, options, [&] { return c.signals.received() != 0; });
  if (made) c.session.host.log(Level::info, summary_of(prepared_folder(options, c.run), *made));
  return made.has_value();
}

}  // namespace gptcore
