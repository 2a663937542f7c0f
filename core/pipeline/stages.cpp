#include "core/pipeline/stages.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "core/checkpoint/run_folder.h"
#include "core/model/gpt.h"
#include "core/model/vocabulary.h"
#include "core/pipeline/adapter_files.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/result_basis.h"
#include "core/pipeline/source_tokens.h"
#include "core/pipeline/stage_order.h"
#include "core/pipeline/stage_progress.h"
#include "core/pipeline/tensor_files.h"
#include "core/pipeline/way_back.h"
#include "gptcore/error.h"
#include "gptcore/event_fields.h"

namespace gptcore {
namespace {

void announce(StageContext& c) {
  int64_t count = 0;
  for (const Parameter& p : c.session.model->parameters()) count += p.tensor.numel();
  Table fields{{field::kName, c.run.name},
               {field::kRunDir, c.run_dir.string()},
               {field::kParams, count},
               {field::kDevice, c.session.device.str()},
               {field::kPrecision, c.run.precision},
               {field::kThreads, c.session.threads}};
  if (!c.saved || c.saved->saves > 0) fields.emplace_back(field::kSaves, c.saved ? c.saved->saves : int64_t{0});
  c.bus.emit(Event::run_started, c.global_step(), std::move(fields));
}

// Runs a stage of any kind. An error about numbers that are not finite gets a hint on what to return to.
bool run_any(StageContext& c, const StageConfig& stage) {
  try {
    return std::visit([&](const auto& options) { return run_stage(c, stage, options); }, stage.options);
  } catch (const Error& e) {
    if (e.code() != Code::nonfinite || !e.hint().empty()) throw;
    throw Error(e.code(), e.what(), way_back(c.files, c.run, c.run_dir, c.resume), e.where());
  }
}

// Returns whether the stage is before the one that the checkpoint was made in.
bool is_before_work(const StageContext& c, size_t index) {
  if (!c.resumed || !c.saved) return false;
  for (size_t later = index + 1; later < c.config.stages.size(); ++later)
    if (c.config.stages[later].name == c.saved->stage) return true;
  return false;
}

// Throws Error when the checkpoint's tokens have other numbers, as they may with another dataset or none.
void require_same_tokens(const StageContext& c, const Checkpoint& checkpoint) {
  if (!c.session.dataset) return;
  const std::vector<int32_t> now = shown_ids(c.session.dataset.get());
  std::vector<int32_t> then;
  if (checkpoint.has(kVocabularyFile))
    then = parse_vocabulary(checkpoint.text(c.files, kVocabularyFile), checkpoint.directory.string()).ids;
  else if (checkpoint.has(kDatasetFile))
    return;  // it is older than kVocabularyFile
  if (now != then)
    throw Error(
        Code::checkpoint_mismatch, "the checkpoint's tokens have other numbers than those the dataset shows",
        "start a new run with model.init_from = \"ckpt:" + checkpoint.directory.string() + "\": each token's row comes along",
        c.config.dataset->location.text());
}

// A file that [[adapter]] tables start from, with all adapters of the items that name it.
struct AdaptersOfFile {
  std::string file, place;
  std::set<std::string> items;
  std::vector<AdapterInfo> adapters;
};

std::vector<AdaptersOfFile> adapter_files(const PipelineConfig& config, Network& model) {
  std::map<std::string, AdaptersOfFile> found;
  for (const Section& section : config.adapters)
    if (const Value* file = find(section.values, "load"); file && file->is<std::string>() && *file != Value("")) {
      AdaptersOfFile& one = found[file->as<std::string>()];
      one.file = file->as<std::string>();
      if (one.place.empty()) one.place = section.place_of("load");
      one.items.insert(section.use);
    }
  std::vector<AdaptersOfFile> out;
  for (auto& [file, one] : found) {
    for (AdapterInfo& adapter : model.adapters())
      if (one.items.contains(adapter.item)) one.adapters.push_back(std::move(adapter));
    out.push_back(std::move(one));
  }
  return out;
}

std::string tokens_of(const Session& session) {
  return tokens_hash(session.tokenizer.get(), shown_ids(session.dataset.get()));
}

void load_adapter_files(StageContext& c) {
  const std::string tokens = tokens_of(c.session);
  for (const AdaptersOfFile& one : adapter_files(c.config, *c.session.model)) {
    const FittingAdapters found(c.files, one.file, c.session.model->parameters(), one.adapters, tokens);
    if (!found.knows_tokens())
      c.session.host.log(Level::warning, one.file +
                                             ": nothing tells whether the tokens of its adapters' rows are this run's: "
                                             "the rows are taken by number");
    for (const std::string& change : found.load()) c.session.host.log(Level::info, one.file + ": " + change);
  }
}

// Reports a stage that is not run because its results exist.
void say_done(const StageContext& c, const StageConfig& stage, const StageResult& result, const std::string& why_not_again) {
  const bool samples = stage.kind == "sample";
  const std::string step = "step " + std::to_string(result.step), &text = result.text;
  if (c.only_results) {
    if (!text.empty()) std::printf("%s%s\n", samples ? "" : (step + ": ").c_str(), text.c_str());
    return;
  }
  const auto& stages = c.config.stages;
  const bool trains = std::any_of(stages.begin(), stages.end(), [](const StageConfig& s) { return s.kind == "train"; });
  const bool moves_weights = !c.last_checkpoint.empty() && is_saved_by(c.last_checkpoint, c.run_dir);
  const std::string again = !why_not_again.empty()    ? why_not_again
                            : trains || moves_weights ? ""
                                                      : "; --overwrite does it again";
  const std::string told = text.empty() ? "" : (samples ? ":\n" : ": ") + text;
  c.session.host.log(Level::info, "stage '" + stage.name + "' was done at " + step + (samples ? again + told : told + again));
}

// Reports a stage that cannot measure the model that training began with any more, with its result when there is one.
void say_passed(const StageContext& c, const StageConfig& stage, const StageResult* result) {
  const std::string why = "it comes before stage '" + c.saved->stage + "', which has begun";
  if (result) return say_done(c, stage, *result, "; " + why);
  c.session.host.log(Level::warning, "stage '" + stage.name + "' is left out: " + why);
}

// Returns a note when the changed setting belongs to a stage that has ended, else "".
std::string without_effect(const StageContext& c, const std::string& change) {
  for (const std::string& stage : c.ended)
    if (change.starts_with(stage + ".")) return ", without effect: stage '" + stage + "' has ended";
  return "";
}

// Returns whether the result is of this model, data and keys. Logs the differences when it is of the same step.
bool still_valid(const StageContext& c, const StageConfig& stage, const StageResult* result, const Settings& basis) {
  if (!result || result->step != c.global_step()) return false;
  std::string changes = basis_changes(result->basis, basis);
  if (changes.empty() && result->complete) return true;
  if (changes.empty()) changes = "an evaluator failed";
  c.session.host.log(Level::info, "stage '" + stage.name + "' was done at step " + std::to_string(c.global_step()) +
                                      " and is done again: " + changes);
  return false;
}

}  // namespace

std::vector<Error> adapter_file_errors(const PipelineConfig& config, const Session& session, FileSystem& files,
                                       bool knows_tokens) {
  std::vector<Error> errors;
  const std::string tokens = knows_tokens ? tokens_of(session) : "";
  for (const AdaptersOfFile& one : adapter_files(config, *session.model)) try {
      FittingAdapters(files, one.file, session.model->parameters(), one.adapters, tokens);
    } catch (const Error& e) {
      errors.push_back(placed(e, one.place));
    }
  return errors;
}

bool is_terminal() {
  return isatty(STDOUT_FILENO) != 0;
}

void StageContext::load(const Checkpoint* checkpoint, bool allow_other_model) {
  const auto init = [this] { init_parameters(session.model->parameters(), static_cast<uint64_t>(run.seed)); };
  if (!checkpoint) {
    init();
    const TokensHere here = tokens_here(session, files, shown_ids(session.dataset.get()), /*tells=*/true);
    if (const std::string read =
            load_initial_weights(files, config.model, *session.model, here, static_cast<uint64_t>(run.seed));
        !read.empty())
      session.host.log(Level::info, read);
    return load_adapter_files(*this);
  }
  const std::string where = checkpoint->directory.string();
  saved = read_state(files, *checkpoint);
  require_same_tokens(*this, *checkpoint);
  journal = saved->journal;
  ended = ended_stages(config, *saved);
  if (any_trains(config) && !has_stage_at_work(config, *saved) && !saved->stage.empty())
    session.host.log(Level::info, "resume: the checkpoint was made in stage '" + saved->stage +
                                      "', which this pipeline does not have: its stages start from that model");
  Settings before = saved->settings, now = settings_of(config);
  if (saved->observing_settings) {
    before.insert(saved->observing_settings->begin(), saved->observing_settings->end());
    now.merge(observing_settings_of(config));
  }
  for (Settings* settings : {&before, &now})  // resume_operations() compares the operations of the stage at work
    std::erase_if(*settings, [&](const auto& s) { return s.first.starts_with(saved->stage + ".operation."); });
  for (const std::string& change : changed_settings(before, now, where, allow_other_model))
    session.host.log(Level::info, "resume: " + change + without_effect(*this, change));
  for (const std::string& change : replace_changed(*saved, now)) session.host.log(Level::info, "resume: " + change);
  other_data = session.dataset && saved->data != session.dataset->fingerprint();
  if (other_data)
    session.host.log(Level::warning, config.dataset->location.text() + ": the data of '" + config.dataset->use +
                                         "' is not what it was when " + where +
                                         " was made: the run continues, but as a different run");
  const NamedTensors tensors = named_tensors(session.model->parameters());
  other_model = gptcore::other_model(saved->settings, settings_of(config));
  if (other_model) {
    init();
    const LoadedTensors report = load_matching(files, *checkpoint, "model.safetensors", tensors);
    session.host.log(Level::warning, "another model than the checkpoint's: " + std::to_string(report.loaded) +
                                         " tensors loaded, " + std::to_string(report.left) + " start anew, " +
                                         std::to_string(report.dropped) + " of the checkpoint dropped");
  } else {
    load_tensors(files, *checkpoint, "model.safetensors", tensors);
  }
  resumed = *checkpoint;
  last_checkpoint = where;
  session.host.log(Level::info, "resuming from " + where);
}

void StageContext::reload(const Checkpoint& checkpoint) {
  const auto seed = static_cast<uint64_t>(run.seed);
  const SavedState state = read_state(files, checkpoint);
  session.structure = state.structure;
  session.model.reset();
  session.open_dataset(config, seed, files, &checkpoint);
  session.open_model(config);
  items = open_stage_items(config, session, seed, &state);
  const std::vector<std::string> until_now = ended;  // the checkpoint may be of the stage before
  load(&checkpoint, /*allow_other_model=*/false);
  ended = until_now;
}

int run_stages(StageContext& c, StageProgress& progress) {
  announce(c);
  for (size_t i = 0; i < c.config.stages.size(); ++i) {
    const StageConfig& stage = c.config.stages[i];
    const bool measures = stage.kind == "evaluate" || stage.kind == "sample", passed = is_before_work(c, i);
    if (stage.kind == "train" && (passed || c.has_ended(stage.name))) {
      if (!passed)
        c.session.host.log(Level::info, "stage '" + stage.name + "' ended before stage '" + c.saved->stage +
                                            "' began and is not trained again; under another name it is a new stage");
      continue;
    }
    const StageResult* result = measures ? progress.find(stage.name) : nullptr;
    if (measures && passed && is_saved_by(c.resumed->directory, c.run_dir)) {
      say_passed(c, stage, result);
      continue;
    }
    const Settings basis = measures ? result_basis(c, stage) : Settings();
    if (measures && still_valid(c, stage, result, basis)) {
      say_done(c, stage, *result, "");
      continue;
    }
    c.result.clear();
    c.bus.emit(Event::stage_started, c.global_step(), {{field::kName, stage.name}, {field::kKind, stage.kind}});
    if (!run_any(c, stage)) {
      const int signal = c.signals.received();
      c.bus.emit(Event::interrupted, c.global_step(), {{field::kSignal, StopSignals::name_of(signal)}});
      return StopSignals::exit_code_of(signal);
    }
    const std::string from = c.last_checkpoint.empty() ? "" : folder_path(c.last_checkpoint).string();
    if (measures) {
      const bool complete = c.items.at(stage.name).evaluators.failures().empty();
      progress.mark(stage.name, {c.global_step(), c.result, basis, from, complete});
    }
    // A stage that is only measured may have been trained before.
    if (does_train(stage) || (stage.kind == "train" && c.saved && c.saved->stage == stage.name)) c.ended.push_back(stage.name);
    c.bus.emit(Event::stage_ended, c.global_step(), {{field::kName, stage.name}, {field::kKind, stage.kind}});
  }
  return 0;
}

}  // namespace gptcore
