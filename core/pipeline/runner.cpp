#include "core/pipeline/runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/checkpoint/run_folder.h"
#include "core/config/config_errors.h"
#include "core/device/device.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/preflight.h"
#include "core/pipeline/prepare.h"
#include "core/pipeline/source_tokens.h"
#include "core/pipeline/stage_order.h"
#include "core/pipeline/stage_progress.h"
#include "core/pipeline/stages.h"
#include "core/pipeline/way_back.h"
#include "gptcore/error.h"
#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

constexpr const char* kPipelineFile = "config.toml";  // of the run's folder

int64_t keep_checkpoints(const PipelineConfig& config) {
  int64_t keep = 2;
  for (const StageConfig& stage : config.stages)
    if (stage.kind == "train") keep = std::max(keep, std::get<TrainOptions>(stage.options).keep_checkpoints);
  return keep;
}

void open_loggers(const RunPlan& plan, Session& session, StageContext& context, bool resumed) {
  constexpr EventSet kResults = on(Event::evaluation_ended, Event::sampled);
  for (const Section& logger : plan.config.loggers) {
    const EventSet events = session.plugins.item(Kind::logger, logger.use).events;
    context.bus.add(logger.use, session.plugins.logger(logger.use, logger.values),
                    logger.use == plan.results_only ? events & kResults : events,
                    {context.run_dir.string(), is_terminal(), resumed, &session.host});
  }
}

// Refuses --overwrite with eval_only, which leaves no checkpoint, so that nothing can stand in its way.
void refuse_overwrite(const PipelineConfig& config) {
  for (const StageConfig& stage : config.stages)
    if (stage.kind == "train" && std::get<TrainOptions>(stage.options).eval_only)
      throw Error(Code::conflict, "--overwrite would move aside the run that eval_only evaluates",
                  "leave out --overwrite, or eval_only", stage.table.place_of("eval_only"));
}

// Continues the checkpoint's run with as many threads as before, when pipeline and environment leave the number open and there
// are enough processors.
void keep_threads(Session& session, const RunOptions& options, int64_t before) {
  if (!session.device.is_cpu() || before == 0 || before == session.threads) return;
  const std::string computed = "resume: computed with " + threads_text(before) + " so far, now with ";
  if (options.threads == 0 && environment_threads() == 0 && before <= usable_processors()) {
    session.host.log(Level::info, "resume: with " + threads_text(before) + " as before, of " + std::to_string(session.threads) +
                                      " possible; run.threads sets another number");
    session.threads = set_threads(before);
    return;
  }
  session.host.log(Level::warning, computed + std::to_string(session.threads) + ": the last bits may differ");
}

// Throws Error when the run's own newest checkpoint was made in a train stage that the pipeline lacks: the other stages would
// be trained once more, or in another order than the one that people see.
void require_stage_at_work(FileSystem& files, const RunPlan& plan, const SavedState& saved, const Checkpoint& checkpoint,
                           const std::filesystem::path& run_dir) {
  if (saved.stage.empty() || !any_trains(plan.config) || has_stage_at_work(plan.config, saved)) return;
  const auto options = plan.config.run.as<RunOptions>();
  throw Error(Code::checkpoint_mismatch,
              "the checkpoint was made in stage '" + saved.stage + "', which this pipeline does not have",
              "keep that stage's table and name, or start this pipeline's stages from its model by the same command with " +
                  as_another_run(files, options, run_dir, checkpoint.directory, plan.resume),
              checkpoint.directory.string());
}

// Refuses operations that would fail, before a second of compute is spent.
void refuse_impossible(const PipelineConfig& config, Session& session) {
  const bool any =
      std::any_of(config.stages.begin(), config.stages.end(), [](const StageConfig& s) { return !s.operations.empty(); });
  if (!any) return;
  SchedulePlan plan = plan_schedule(config, session, kAllEffects);
  // A plugin that throws while the model has no values may not throw later; its error is reported when it happens. Only the
  // program's own refusals have a hint.
  std::erase_if(plan.errors, [](const Error& e) { return e.code() == Code::plugin_failed && e.hint().empty(); });
  throw_if_any(std::move(plan.errors));
}

// Throws Error for files that a new run would read and cannot.
void check_initial_files(const PipelineConfig& config, Session& session, FileSystem& files) {
  try {
    const TokensHere here = tokens_here(session, files, shown_ids(session.dataset.get()), /*tells=*/false);
    check_initial_weights(files, config.model, *session.model, &here);
  } catch (const Error& e) {
    throw placed(e, config.model.place_of("init_from"));
  }
  throw_if_any(adapter_file_errors(config, session, files, /*knows_tokens=*/true));
}

// Returns the command that continues an interrupted run, whose newest checkpoint is in its own folder or where --resume says.
std::string continue_command(const RunPlan& plan, bool saved_here) {
  const bool elsewhere = plan.resume != "auto" && plan.resume != "never";
  const bool changes = plan.resume == "never" || (elsewhere && saved_here);
  return std::string("the same command") + (plan.overwrite ? " without --overwrite" : "") +
         (plan.overwrite && changes ? " and" : "") + (changes ? " without its --resume" : "");
}

// Returns whether the pipeline measures a model that no stage trains and no key names.
bool measures_random_weights(const PipelineConfig& config) {
  const auto has = [&](const char* kind) {
    return std::any_of(config.stages.begin(), config.stages.end(), [&](const StageConfig& s) { return s.kind == kind; });
  };
  const Value* from = find(config.model.values, "init_from");
  const bool named = from && from->is<std::string>() && !from->as<std::string>().empty();
  return !named && !has("train") && (has("evaluate") || has("sample"));
}

// Refuses to replace results of a checkpoint that was given by those of random weights.
void require_the_measured_weights(const StageProgress& progress, const std::filesystem::path& run_dir) {
  for (const auto& [stage, result] : progress.all()) {
    if (result.step == 0 && result.checkpoint.empty()) continue;
    const bool there = !result.checkpoint.empty() && std::filesystem::exists(result.checkpoint);
    throw Error(Code::run_exists,
                "the results of stage '" + stage + "' here are of " +
                    (result.checkpoint.empty() ? "step " + std::to_string(result.step) : "'" + result.checkpoint + "'") +
                    ", and this command names no weights",
                "give --resume " + (there ? shell_word(result.checkpoint) : "PATH") +
                    " again, set model.init_from, or move the results aside with --overwrite",
                run_dir.string());
  }
}

// Refuses --overwrite when the folder has checkpoints, because without it the pipeline measures their model.
void refuse_to_move_measured(FileSystem& files, const PipelineConfig& config, const std::filesystem::path& run_dir) {
  if (list_steps(files, checkpoint_folder(run_dir)).empty()) return;
  throw Error(Code::conflict, "--overwrite would move aside the run whose model the pipeline measures",
              "leave out --overwrite, or set run.out_dir to another folder", config.run.place_of("out_dir"));
}

// Returns a file or folder inside `folder` that the value names, with or without "ckpt:", "hf:" or "FILE:" before it, or "".
std::string named_inside(const Value& value, const std::filesystem::path& folder) {
  std::string found;
  if (value.is<List>()) {
    for (const Value& one : value.as<List>())
      if (found.empty()) found = named_inside(one, folder);
  } else if (value.is<Table>()) {
    for (const auto& [key, one] : value.as<Table>())
      if (found.empty()) found = named_inside(one, folder);
  } else if (value.is<std::string>()) {
    std::string path = value.as<std::string>();
    for (const char* prefix : {"ckpt:", "hf:", "FILE:"})
      if (path.starts_with(prefix)) path.erase(0, std::strlen(prefix));
    std::error_code failed;
    if (!path.empty() && std::filesystem::exists(path, failed) && is_inside(path, folder)) found = path;
  }
  return found;
}

// Refuses --overwrite when it would move files that people work with: it moves the run's folder as a whole.
void refuse_to_move_inputs(const PipelineConfig& config, const std::filesystem::path& run_dir) {
  const auto refuse = [&](const std::string& what, const std::string& place) {
    throw Error(Code::conflict, "--overwrite would move the run's folder '" + run_dir.string() + "', and with it " + what,
                "set run.out_dir to a folder that has nothing but the run", place);
  };
  if (is_inside(std::filesystem::current_path(), run_dir)) refuse("the current folder", config.run.place_of("out_dir"));
  std::error_code absent;  // the run's own copy of its pipeline is written anew
  if (!config.file.empty() && is_inside(config.file, run_dir) &&
      !std::filesystem::equivalent(config.file, run_dir / kPipelineFile, absent))
    refuse("the pipeline file", config.run.place_of("out_dir"));
  std::vector<const Section*> sections{&config.model};
  if (config.tokenizer) sections.push_back(&*config.tokenizer);
  if (config.dataset) sections.push_back(&*config.dataset);
  for (const Section& adapter : config.adapters) sections.push_back(&adapter);
  std::vector<std::filesystem::path> made;  // folders that the run makes
  for (const StageConfig& stage : config.stages) {
    sections.push_back(&stage.table);
    if (stage.kind == "prepare")
      made.push_back(prepared_folder(std::get<PrepareOptions>(stage.options), config.run.as<RunOptions>()));
    for (const Section& evaluator : stage.evaluators) sections.push_back(&evaluator);
  }
  for (const Section* section : sections)
    for (const auto& [key, value] : section->values)
      if (const std::string file = named_inside(value, run_dir);
          !file.empty() && std::none_of(made.begin(), made.end(), [&](const auto& folder) { return is_inside(file, folder); }))
        refuse("'" + file + "'", section->place_of(key));
}

}  // namespace

std::filesystem::path run_folder_of(const RunOptions& options) {
  std::filesystem::path given = options.out_dir;
  if (given.empty()) given = std::filesystem::path("runs") / options.name;
  return folder_path(given);
}

bool goes_on(FileSystem& files, const RunOptions& options) {
  return !list_steps(files, checkpoint_folder(run_folder_of(options))).empty();
}

int run_pipeline(const RunPlan& plan) {
  const auto start = std::chrono::steady_clock::now();
  const PipelineConfig& config = plan.config;
  const auto options = config.run.as<RunOptions>();
  const auto files = posix_file_system();
  if (plan.overwrite) refuse_overwrite(config);
  require_device(config.run);
  StopSignals signals(FirstSignal::ends);
  Session session(options, plan.plugin_files);
  if (plan.quiet) session.host.quieten();
  Prompts prompts;
  throw_if_any(pipeline_errors(config, session.plugins, /*reads_stdin=*/true, prompts));
  const StoreOptions store{keep_checkpoints(config), uint64_t{4} << 20,
                           [&](Level level, const std::string& text) { session.host.log(level, text); },
                           [&](const Checkpoint& found) { require_readable(*files, found); }};

  // A folder is made, or an existing one moved aside, only after the data and the model turned out to be usable.
  const std::filesystem::path run_dir = run_folder_of(options);
  if (plan.overwrite && holds_run(*files, run_dir)) refuse_to_move_inputs(config, run_dir);
  const bool elsewhere = plan.resume != "auto" && plan.resume != "never";
  if (plan.overwrite && plan.resume == "auto" && measures_random_weights(config))
    refuse_to_move_measured(*files, config, run_dir);
  const auto open_folder = [&] { return open_run_folder(*files, run_dir, plan.resume, plan.overwrite, store); };
  std::optional<RunFolder> folder;
  std::optional<Checkpoint> given;
  if (plan.overwrite && elsewhere)
    given = open_checkpoint(*files, plan.resume);
  else if (!plan.overwrite && (elsewhere || std::filesystem::exists(run_dir)))
    folder.emplace(open_folder());
  const auto checkpoint = [&]() -> const Checkpoint* {
    if (given) return &*given;
    return folder && folder->resume_from ? &*folder->resume_from : nullptr;
  };

  if (!checkpoint() && !plan.overwrite && measures_random_weights(config))
    require_the_measured_weights(StageProgress(*files, run_dir), run_dir);

  const bool own = checkpoint() && is_saved_by(checkpoint()->directory, run_dir);
  std::optional<SavedState> state;
  if (checkpoint()) {
    state = read_state(*files, *checkpoint());
    changed_settings(state->settings, settings_of(config), checkpoint()->directory.string(), plan.allow_arch_change);
    if (own) require_stage_at_work(*files, plan, *state, *checkpoint(), run_dir);
    refuse_untrained_before_work(config, *state);
    keep_threads(session, options, state->threads);
    if (!plan.allow_arch_change || !other_model(state->settings, settings_of(config))) session.structure = state->structure;
  }
  session.open_tokenizer(config, *files, checkpoint());
  session.open_dataset(config, static_cast<uint64_t>(options.seed), *files, checkpoint());
  session.open_model(config);
  throw_if_any(stage_errors(config, session, prompts));
  warn_of_triggers(config, session.host);
  auto items = open_stage_items(config, session, static_cast<uint64_t>(options.seed), state ? &*state : nullptr);
  if (!checkpoint()) {
    check_initial_files(config, session, *files);
    refuse_impossible(config, session);
  }
  signals.note_first();
  if (!folder) folder.emplace(open_folder());

  EventBus bus(session.host);
  CheckpointStore checkpoints(*files, run_dir, store);
  StageContext context{config, options, session, *files, run_dir, checkpoints, bus, signals, items, plan.memory};
  context.prompts = std::move(prompts);
  context.resume = plan.resume;
  context.only_results = !plan.results_only.empty();
  if (!checkpoint() && measures_random_weights(config))
    session.host.log(Level::warning,
                     "the model's weights are random: no stage trains it; name weights by --resume PATH or model.init_from");
  context.load(checkpoint(), plan.allow_arch_change);
  if (!own || any_trains(config)) write_file_atomically(*files, run_dir / kPipelineFile, config.to_toml());
  StageProgress progress(*files, run_dir);
  // Metrics of a training that left no checkpoint do not belong to a run that starts here from another run's checkpoint.
  const bool goes_on = own || (checkpoint() && !any_trains(config)) || !progress.empty();
  open_loggers(plan, session, context, goes_on);
  const auto end = [&](const char* result) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    Table fields{{field::kResult, result}, {field::kRunDir, run_dir.string()}, {field::kSeconds, seconds}};
    for (const std::string& sink : bus.sinks()) fields.emplace_back(field::kMetrics, sink);
    if (!context.last_checkpoint.empty()) fields.emplace_back(field::kCheckpoint, context.last_checkpoint);
    bus.emit(Event::run_ended, context.global_step(), std::move(fields));
    bus.close();
  };
  try {
    const int code = run_stages(context, progress);
    end(code == 0 ? "done" : "interrupted");
    const std::string& newest = context.last_checkpoint;
    if (code != 0 && !newest.empty())
      session.host.log(Level::info, continue_command(plan, is_saved_by(newest, run_dir)) + " continues from step " +
                                        std::to_string(context.global_step()));
    return code;
  } catch (const std::exception& failure) {
    bus.emit(Event::failed, context.global_step(), {{field::kMessage, failure.what()}});
    end("failed");
    throw;
  }
}

}  // namespace gptcore
