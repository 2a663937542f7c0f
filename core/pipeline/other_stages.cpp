// The stages that measure or show the model and leave it as it is.
#include <algorithm>

#include "core/model/generate.h"
#include "core/pipeline/prompt.h"
#include "core/pipeline/stages.h"
#include "core/train/evaluation.h"
#include "gptcore/error.h"

namespace gptcore {

bool run_evaluate_stage(StageContext& c, const StageConfig& stage) {
  const auto options = stage.options.as<EvaluateOptions>();
  const auto group = single_process_group();
  const EvaluationPlan plan{options.eval_iters, options.batch_size};
  c.bus.emit(Event::evaluation_started, c.global_step());
  Table fields;
  for (const Split split : {Split::train, Split::val}) {
    const std::string name = name_of(split);
    if (std::find(options.splits.begin(), options.splits.end(), name) == options.splits.end()) continue;
    if (c.session.dataset->windows(split) == 0)
      throw Error(Code::data_empty, "the dataset has no " + name + " split to evaluate",
                  "set val_fraction, or splits = [\"train\"]", stage.options.location.text());
    fields.emplace_back(name + "_loss",
                        evaluate_loss(*c.session.model, *c.session.dataset, c.session.dataset_mutex, split, plan, *group,
                                      c.session.device, [&] { return c.signals.received() != 0; }));
  }
  if (c.signals.received()) return false;
  const NetworkView view(*c.session.model);
  for (auto& metric : c.items.at(stage.name).evaluators.run(view, *group, c.bus, c.session.host, c.global_step()))
    fields.push_back(std::move(metric));
  fields.emplace_back("whole_split", plan.iters == kWholeSplit);
  if (plan.iters != kWholeSplit) fields.emplace_back("batches", plan.iters);
  c.bus.emit(Event::evaluation_ended, c.global_step(), std::move(fields));
  return true;
}

bool run_sample_stage(StageContext& c, const StageConfig& stage) {
  const auto options = stage.options.as<SampleOptions>();
  if (!c.session.tokenizer)
    throw Error(Code::missing_key, "stage '" + stage.name + "' samples text, but the pipeline has no [tokenizer]",
                "add [tokenizer] with use = \"byte\", for example", stage.options.location.text());
  const std::string start = prompt_text(options.prompt);
  const std::vector<int32_t> prompt = c.session.tokenizer->encode(start);
  if (prompt.empty())
    throw Error(Code::conflict, "stage '" + stage.name + "' has an empty prompt", "give at least one character",
                stage.options.location.text());
  const Sampling sampling{options.temperature, options.top_k, static_cast<uint64_t>(c.run.seed)};
  for (int64_t i = 0; i < options.num_samples; ++i) {
    std::vector<int32_t> ids;
    generate(*c.session.model, c.session.device, prompt, options.max_new_tokens, sampling, i, [&](int32_t token) {
      ids.push_back(token);
      return c.signals.received() == 0;
    });
    if (c.signals.received()) return false;
    c.bus.emit(Event::sampled, c.global_step(), {{"index", i}, {"prompt", start}, {"text", c.session.tokenizer->decode(ids)}});
  }
  return true;
}

}  // namespace gptcore
