#include "core/pipeline/preflight.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/config/config_errors.h"
#include "core/config/input_files.h"
#include "core/config/owner.h"
#include "core/device/device.h"
#include "core/options/evaluate_options.h"
#include "core/options/prepare_options.h"
#include "core/options/sample_options.h"
#include "core/options/train_options.h"
#include "core/pipeline/prepare.h"
#include "core/pipeline/prompt.h"
#include "core/pipeline/runner.h"
#include "core/pipeline/text_generation.h"
#include "core/train/trainer.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

std::vector<const Section*> item_tables(const PipelineConfig& config) {
  std::vector<const Section*> all;
  if (config.tokenizer) all.push_back(&*config.tokenizer);
  if (config.dataset) all.push_back(&*config.dataset);
  if (config.model.use != "gpt") all.push_back(&config.model);
  for (const Section& adapter : config.adapters) all.push_back(&adapter);
  for (const StageConfig& stage : config.stages)
    for (const auto* items : {&stage.operations, &stage.evaluators})
      for (const Section& item : *items) all.push_back(&item);
  for (const Section& logger : config.loggers) all.push_back(&logger);
  return all;
}

// Returns why the folder cannot be made or written to, or "" when nothing speaks against it.
std::string unusable(const fs::path& folder) {
  std::error_code failed;
  fs::path there = fs::absolute(folder).lexically_normal();
  const fs::path wanted = there;
  while (!fs::exists(fs::symlink_status(there, failed)) && there.has_relative_path()) there = there.parent_path();
  if (!fs::is_directory(there, failed))
    return there == wanted ? "a file of that name is in the way" : "'" + there.string() + "' is not a folder";
  return ::access(there.c_str(), W_OK | X_OK) == 0 ? "" : "'" + there.string() + "' is not writable";
}

class PipelineErrors {
 public:
  PipelineErrors(const PipelineConfig& config, const PluginSet& plugins) : config_(config), plugins_(plugins) {}

  std::vector<Error> all(bool reads_stdin, Prompts& prompts) {
    for (const Section* table : item_tables(config_)) check_rules(*table);
    check_folders();
    for (const StageConfig& stage : config_.stages)
      if (stage.kind == "sample") read_prompt(stage, reads_stdin, prompts);
    return std::move(errors_);
  }

 private:
  void check_rules(const Section& table) {
    try {
      for (const Problem& problem : plugins_.problems(*item_kind(table.path), table.use, table.values))
        errors_.emplace_back(Code::conflict,
                             std::string(name_of(*item_kind(table.path))) + " '" + table.use + "': " + problem.message,
                             problem.hint, table.place_of(problem.key));
    } catch (const Error& e) {
      errors_.push_back(placed(e, table.location.text()));
    }
  }

  void check_folders() {
    check_folder(run_folder_of(config_.run.as<RunOptions>()), "the run folder", "run.name or run.out_dir",
                 config_.run.place_of("out_dir"));
    if (config_.dataset)
      for (const ParamSpec& spec : plugins_.item(Kind::dataset, config_.dataset->use).params)
        if (const Value* path = find(config_.dataset->values, spec.name);
            path && spec.unit == kMadeByRun && path->is<std::string>() && !path->as<std::string>().empty())
          check_folder(path->as<std::string>(), "the folder", spec.name, config_.dataset->place_of(spec.name));
    for (const StageConfig& stage : config_.stages)
      if (stage.kind == "prepare")
        check_folder(prepared_folder(std::get<PrepareOptions>(stage.options), config_.run.as<RunOptions>()),
                     "the folder for the tokens", "out", stage.table.place_of("out"));
  }

  void check_folder(const fs::path& folder, const std::string& what, const std::string& key, const std::string& place) {
    if (const std::string why = unusable(folder); !why.empty())
      errors_.emplace_back(Code::io, what + " '" + folder.string() + "' cannot be used: " + why, "choose another " + key,
                           place);
  }

  void read_prompt(const StageConfig& stage, bool reads_stdin, Prompts& prompts) {
    const auto given = std::get<SampleOptions>(stage.options).prompt;
    if (given == "-" && !reads_stdin) return;
    try {
      prompts[stage.name] = prompt_text(given);
    } catch (const Error& e) {
      errors_.push_back(placed(e, stage.table.place_of("prompt")));
    }
  }

  const PipelineConfig& config_;
  const PluginSet& plugins_;
  std::vector<Error> errors_;
};

void require_split(Dataset& dataset, Split split, const StageConfig& stage, const std::string& what, const std::string& hint) {
  if (dataset.windows(split) > 0) return;
  const char* const key = stage.kind == "evaluate" ? "splits" : "kind";
  throw Error(Code::data_empty, "the dataset has no " + std::string(name_of(split)) + " split to " + what, hint,
              stage.table.place_of(key));
}

void require_splits(Dataset& dataset, const StageConfig& stage) {
  if (stage.kind == "train") require_split(dataset, Split::train, stage, "train on", "give the dataset data for it");
  if (stage.kind != "evaluate") return;
  const auto splits = std::get<EvaluateOptions>(stage.options).splits;
  for (const Split split : {Split::train, Split::val})
    if (std::find(splits.begin(), splits.end(), name_of(split)) != splits.end())
      require_split(dataset, split, stage, "evaluate",
                    std::string("give the dataset data for it, or set splits = [\"") +
                        name_of(split == Split::train ? Split::val : Split::train) + "\"]");
}

// Returns whether prompts can be encoded. A vocabulary that is shown in part may grow until the sample is made.
bool knows_its_tokens(const Session& session) {
  return session.tokenizer && session.tokenizer->ready() && !shown_vocabulary(session.dataset.get());
}

}  // namespace

Error placed(const Error& error, const std::string& place) {
  const bool own = error.where().empty() || error.where() == place || place.empty();
  return {error.code(), own ? error.what() : error.where() + ": " + error.what(), error.hint(),
          place.empty() ? error.where() : place};
}

void throw_if_any(std::vector<Error> errors) {
  if (errors.size() == 1) throw errors.front();
  if (!errors.empty()) throw ConfigErrors(std::move(errors));
}

void require_device(const Section& run) {
  try {
    choose_device(run.as<RunOptions>().device);
  } catch (const Error& e) {
    throw placed(e, run.place_of("device"));
  }
}

std::vector<Error> pipeline_errors(const PipelineConfig& config, const PluginSet& plugins, bool reads_stdin, Prompts& prompts) {
  return PipelineErrors(config, plugins).all(reads_stdin, prompts);
}

std::vector<Error> stage_errors(const PipelineConfig& config, Session& session, const Prompts& prompts) {
  std::vector<Error> errors;
  const auto collect = [&](const StageConfig& stage, const std::string& key, auto&& work) {
    try {
      work();
    } catch (const Error& e) {
      errors.push_back(placed(e, stage.table.place_of(key)));
    }
  };
  for (const StageConfig& stage : config.stages) {
    if (stage.kind == "train" && session.model)
      collect(stage, "tokens_per_step",
              [&] { accumulation_steps(std::get<TrainOptions>(stage.options), session.model->block_size(), 1); });
    if (stage.kind == "sample" && !config.tokenizer)
      errors.emplace_back(Code::missing_key, "stage '" + stage.name + "' samples text, but the pipeline has no [tokenizer]",
                          "add the [tokenizer] that the data's ids are of", stage.table.location.text());
    if (session.dataset) collect(stage, "splits", [&] { require_splits(*session.dataset, stage); });
    if (const auto prompt = prompts.find(stage.name); prompt != prompts.end() && knows_its_tokens(session))
      collect(stage, "prompt", [&] { prompt_ids(*session.tokenizer, prompt->second); });
  }
  return errors;
}

}  // namespace gptcore
