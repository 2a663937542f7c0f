#include "core/pipeline/check.h"

#include <algorithm>
#include <filesystem>

#include "core/base/file_system.h"
#include "core/config/config_errors.h"
#include "core/data/corpus/source_files.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/session.h"
#include "core/pipeline/stage_items.h"
#include "core/train/device.h"
#include "core/train/trainer.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kSmall = uintmax_t{1} << 20;  // bytes of data that are read to check them
constexpr int64_t kAnyVocabulary = 256;           // rows of a model whose vocabulary is not known before the data is read

uintmax_t size_of(const std::string& path) {
  std::error_code failed;
  if (fs::is_regular_file(path, failed)) return fs::file_size(path, failed);
  uintmax_t size = 0;
  if (fs::is_directory(path, failed)) {
    for (fs::recursive_directory_iterator it(path, failed), end; !failed && it != end && size <= kSmall; it.increment(failed))
      if (it->is_regular_file(failed)) size += it->file_size(failed);
    return size;
  }
  try {
    for (const std::string& file : source_files(path, {})) size += fs::file_size(file, failed);
  } catch (const Error&) {  // told elsewhere
  }
  return size;
}

std::vector<Table> sources_in(const Section& dataset) {
  std::vector<Table> out;
  const Value* source = find(dataset.values, "source");
  if (!source) return out;
  const List all = source->is<List>() ? source->as<List>() : List{*source};
  for (const Value& table : all)
    if (table.is<Table>()) out.push_back(table.as<Table>());
  return out;
}

class Check {
 public:
  Check(const PipelineConfig& config, Session& session) : config_(config), session_(session) {
    session_.host.quieten();
    session_.host.refuse_downloads();
  }

  std::vector<Error> all() {
    check_device();
    if (config_.tokenizer) check_tokenizer();
    if (config_.dataset) check_dataset();
    if (check_model()) check_stages();
    for (const Section& logger : config_.loggers) collect(logger, [&] { session_.plugins.logger(logger.use, logger.values); });
    if (session_.model && vocabulary_known_) check_plan();
    return std::move(errors_);
  }

 private:
  // Whether it went well. What a download would be needed for is not known, which is no mistake.
  template <class F> bool collect(const Section& section, F&& work) {
    try {
      work();
      return true;
    } catch (const ConfigErrors& found) {
      errors_.insert(errors_.end(), found.errors().begin(), found.errors().end());
    } catch (const Error& e) {
      if (e.code() == Code::download_failed) return false;
      const std::string place = section.location.text();
      const bool placed = e.where().empty() || e.where() == place;
      errors_.emplace_back(e.code(), placed ? e.what() : e.where() + ": " + e.what(), e.hint(), place);
    }
    return false;
  }

  void check_device() {
    collect(config_.run, [&] { choose_device(config_.run.as<RunOptions>().device); });
  }

  void check_tokenizer() {
    tokenizer_known_ = collect(*config_.tokenizer, [&] {
      session_.open_tokenizer(config_, *files_, nullptr);
      session_.data_vocab_size();
    });
    if (!tokenizer_known_) session_.tokenizer.reset();
  }

  void check_dataset() {
    const Section& section = *config_.dataset;
    const bool made = collect(section, [&] {
      const auto dataset = session_.plugins.dataset(section.use, section.values);
      for (const Table& source : sources_in(section)) session_.sources.make(source);
      opens_ = !config_.tokenizer || (!dataset->extension("gptcore.preparation/1") && is_small(section));
    });
    if (!made || !opens_ || (config_.tokenizer && !tokenizer_known_)) return;
    const bool opened = collect(section, [&] {
      session_.open_dataset(config_, static_cast<uint64_t>(config_.run.as<RunOptions>().seed), *files_, nullptr);
    });
    if (!opened) session_.dataset.reset();
  }

  bool is_small(const Section& section) const {
    if (!sources_in(section).empty()) return false;
    uintmax_t size = 0;
    for (const ParamSpec& spec : session_.plugins.item(Kind::dataset, section.use).params) {
      const Value* value = find(section.values, spec.name);
      if (!value) continue;
      if (spec.type == Type::path && value->is<std::string>() && !value->as<std::string>().empty())
        size += size_of(value->as<std::string>());
      if (spec.type == Type::path_list && value->is<List>())
        for (const Value& path : value->as<List>()) size += size_of(path.as<std::string>());
    }
    return size <= kSmall;
  }

  // The model, with all adapters that fit it, is the session's afterwards. False when there is none.
  bool check_model() {
    PipelineConfig bare = config_;
    bare.adapters.clear();
    if (!collect(config_.model, [&] { open_model(bare); })) return false;
    sound_ = bare;
    for (const Section& adapter : config_.adapters) {
      PipelineConfig one = bare;
      one.adapters = {adapter};
      if (collect(adapter, [&] { open_model(one); })) sound_.adapters.push_back(adapter);
    }
    if (!sound_.adapters.empty() && !collect(sound_.adapters.back(), [&] { open_model(sound_); })) {
      sound_.adapters.clear();
      open_model(sound_);
    }
    return true;
  }

  void open_model(PipelineConfig config) {
    const int64_t of_data = session_.data_vocab_size();
    const Value* given = find(config.model.values, "vocab_size");
    vocabulary_known_ = of_data > 0 || (given && given->is<int64_t>() && given->as<int64_t>() > 0);
    session_.maker.use(config);
    session_.model = session_.maker.unopened(session_.structure);
    session_.maker.open(*session_.model, session_.structure, vocabulary_known_ ? of_data : kAnyVocabulary);
  }

  void check_stages() {
    const auto seed = static_cast<uint64_t>(config_.run.as<RunOptions>().seed);
    sound_.stages.clear();
    for (const StageConfig& stage : config_.stages) {
      if (stage.kind == "train")
        collect(stage.options, [&] { accumulation_steps(stage.options.as<TrainOptions>(), session_.model->block_size(), 1); });
      PipelineConfig part = config_;
      part.stages = {stage};
      StageConfig& alone = part.stages.front();
      alone.evaluators.clear();
      StageConfig& sound = sound_.stages.emplace_back(stage);
      sound.operations.clear();
      sound.evaluators.clear();
      for (const Section& operation : stage.operations) {
        alone.operations = {operation};
        if (collect(operation, [&] { open_stage_items(part, session_, seed); })) sound.operations.push_back(operation);
      }
      alone.operations.clear();
      if (config_.tokenizer && !tokenizer_known_) continue;
      for (const Section& evaluator : stage.evaluators) {
        alone.evaluators = {evaluator};
        collect(evaluator, [&] { open_stage_items(part, session_, seed); });
      }
    }
  }

  // Of the operations that can be opened, those on the model that cannot be carried out one after the other.
  void check_plan() {
    Effects of_the_model = kFreezes | kReshapes | kAdapts | kReplaces;
    if (errors_.empty()) of_the_model |= kUndoes;  // else what it would undo may be missing here
    collect(config_.model, [&] {
      SchedulePlan plan = plan_schedule(sound_, session_, of_the_model);
      std::erase_if(plan.errors, [](const Error& e) { return e.code() == Code::plugin_failed; });  // told when it happens
      errors_.insert(errors_.end(), plan.errors.begin(), plan.errors.end());
    });
  }

  const PipelineConfig& config_;
  PipelineConfig sound_;  // without the adapters, operations and evaluators that were refused
  Session& session_;
  const std::shared_ptr<FileSystem> files_{posix_file_system()};
  bool tokenizer_known_ = true, opens_ = false, vocabulary_known_ = false;
  std::vector<Error> errors_;
};

}  // namespace

std::vector<Error> check_pipeline(const PipelineConfig& config, const std::vector<std::string>& plugin_files) {
  auto options = config.run.as<RunOptions>();
  options.device = "cpu";
  Session session(options, plugin_files);
  return Check(config, session).all();
}

}  // namespace gptcore
