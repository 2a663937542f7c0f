#include "core/pipeline/check.h"

#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <tuple>

#include "core/base/file_system.h"
#include "core/config/config_errors.h"
#include "core/config/input_files.h"
#include "core/config/sources.h"
#include "core/data/corpus/source_files.h"
#include "core/device/device.h"
#include "core/pipeline/initial_weights.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/preflight.h"
#include "core/pipeline/runner.h"
#include "core/pipeline/session.h"
#include "core/pipeline/source_tokens.h"
#include "core/pipeline/stage_items.h"
#include "core/pipeline/stages.h"
#include "core/train/trainer.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kAnyVocabulary = 256;  // rows of a model whose vocabulary is not known before the data is read

// A temporary folder for what the run would make of the data. The destructor removes it.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "gptcore-check-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Error(Code::io, "cannot make a folder for temporary files", "check TMPDIR", name);
    folder_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

// Sorts by the place "file:line:column"; errors without a line come last.
void sort_by_place(std::vector<Error>& errors) {
  const auto place = [](const Error& error) {
    const std::string where = error.where();
    uint32_t numbers[2] = {};
    size_t end = where.size();
    for (int i = 1; i >= 0; --i) {
      const size_t colon = where.rfind(':', end - 1);
      if (end == 0 || colon == std::string::npos) return std::tuple(1, 0u, 0u);
      const auto [last, failure] = std::from_chars(where.data() + colon + 1, where.data() + end, numbers[i]);
      if (failure != std::errc() || last != where.data() + end) return std::tuple(1, 0u, 0u);
      end = colon;
    }
    return std::tuple(0, numbers[0], numbers[1]);
  };
  std::stable_sort(errors.begin(), errors.end(), [&](const Error& a, const Error& b) { return place(a) < place(b); });
}

class Check {
 public:
  Check(const PipelineConfig& config, Session& session) : config_(config), session_(session) {
    session_.host.quieten();
    session_.host.refuse_downloads();
  }

  std::vector<Error> all() {
    check_parts();
    if (session_.model && stages_fit_) check_plan();
    return sorted();
  }

  std::vector<Error> of_items() {
    check_parts();
    return sorted();
  }

 private:
  void check_parts() {
    try {
      require_device(config_.run);
    } catch (const Error& e) {
      errors_.push_back(e);
    }
    Prompts prompts;
    add(pipeline_errors(config_, session_.plugins, /*reads_stdin=*/false, prompts));
    tokenizer_known_ = config_.tokenizer && sound(Kind::tokenizer, *config_.tokenizer) && open_tokenizer();
    if (!tokenizer_known_) session_.tokenizer.reset();
    if (config_.dataset && sound(Kind::dataset, *config_.dataset)) check_dataset();
    if (check_model()) {
      check_initial_files();
      check_items();
    } else {
      session_.model.reset();
    }
    const std::vector<Error> of_stages = stage_errors(config_, session_, prompts);
    add(of_stages);
    for (const Section& logger : config_.loggers)
      if (sound(Kind::logger, logger)) collect(logger, [&] { session_.plugins.logger(logger.use, logger.values); });
    stages_fit_ = of_stages.empty();
  }

  std::vector<Error> sorted() {
    sort_by_place(errors_);
    return std::move(errors_);
  }

  void add(const std::vector<Error>& found) { errors_.insert(errors_.end(), found.begin(), found.end()); }

  uint64_t seed() const { return static_cast<uint64_t>(config_.run.as<RunOptions>().seed); }

  // Returns whether the item's rules find nothing. pipeline_errors() reports what they find.
  bool sound(Kind kind, const Section& section) const {
    return session_.plugins.problems(kind, section.use, section.values).empty();
  }

  // Keeps the error of `work` with the section's place. Returns whether there was none. The need for a download is no error,
  // but leaves the item unknown.
  template <class F> bool collect(const Section& section, F&& work, const std::string& key = {}) {
    try {
      work();
      return true;
    } catch (const ConfigErrors& found) {
      add(found.errors());
    } catch (const Error& e) {
      if (e.code() == Code::download_failed) return false;
      errors_.push_back(placed(e, key.empty() ? section.location.text() : section.place_of(key)));
    }
    return false;
  }

  bool open_tokenizer() {
    return collect(*config_.tokenizer, [&] {
      session_.open_tokenizer(config_, *files_, nullptr);
      session_.data_vocab_size();
    });
  }

  void check_dataset() {
    const Section& section = *config_.dataset;
    const bool made = collect(section, [&] {
      shows_a_part_ = shown_vocabulary(session_.plugins.dataset(section.use, section.values).get()) != nullptr;
      for (const Table& source : named_sources(section.values)) session_.sources.make(source);
    });
    if (!made || (config_.tokenizer && (!tokenizer_known_ || !is_small(section.use, section.values)))) return;
    PipelineConfig elsewhere = config_;
    elsewhere.dataset->values = in_scratch(section.use, section.values);
    const bool opened = collect(section, [&] {
      try {
        session_.open_dataset(elsewhere, seed(), *files_, nullptr);
      } catch (const Error& e) {  // users do not know the scratch folder
        if (!scratch_ || !e.where().starts_with(scratch_->folder().string())) throw;
        throw Error(e.code(), e.what(), e.hint());
      }
    });
    if (opened) return;
    session_.dataset.reset();
    vocabulary_refused_ = errors_.size() > 0 && errors_.back().code() == Code::token_out_of_range;
  }

  // Returns whether the data's files are small enough to be read. Files that would be downloaded and made into other files
  // first are not read.
  bool is_small(const std::string& use, const Table& values) const {
    const std::vector<ParamSpec>& params = session_.plugins.item(Kind::dataset, use).params;
    const uintmax_t size = bytes_named(values, params);
    const auto makes_files = [](const ParamSpec& spec) { return spec.unit == kMadeByRun; };
    const auto is_given = [&](const ParamSpec& spec) {
      const Value* path = makes_files(spec) ? nullptr : find(values, spec.name);
      return path &&
             ((spec.type == Type::path && *path != Value("")) || (spec.type == Type::path_list && *path != Value(List())));
    };
    const bool downloads =
        std::any_of(params.begin(), params.end(), makes_files) && std::none_of(params.begin(), params.end(), is_given);
    const std::vector<Table> sources = named_sources(values);
    return size <= kMostRead && !downloads && std::all_of(sources.begin(), sources.end(), [&](const Table& t) {
             return is_small(find(t, "use")->as<std::string>(), t);
           });
  }

  // Returns the values with the scratch folder for what the run makes.
  Table in_scratch(const std::string& use, Table values) {
    for (const ParamSpec& spec : session_.plugins.item(Kind::dataset, use).params) {
      if (spec.unit != kMadeByRun) continue;
      if (!scratch_) scratch_.emplace();
      put(values, spec.name, scratch_->folder().string());
    }
    if (std::vector<Table> sources = named_sources(values); !sources.empty()) {
      List inner;
      for (Table& source : sources) {
        const std::string name = find(source, "use")->as<std::string>();
        inner.push_back(in_scratch(name, std::move(source)));
      }
      put(values, "source", find(values, "source")->is<List>() ? Value(inner) : inner.front());
    }
    return values;
  }

  // Gives the session the model with all adapters that fit it. Returns false when there is no model.
  bool check_model() {
    if (config_.model.use != "gpt" && !sound(Kind::model, config_.model)) return false;
    PipelineConfig bare = config_;
    bare.adapters.clear();
    const size_t before = errors_.size();
    if (!collect(config_.model, [&] { open_model(bare); })) {
      if (vocabulary_refused_ && errors_.size() > before && errors_.back().code() == Code::model_shape) errors_.pop_back();
      return false;
    }
    sound_ = bare;
    for (const Section& adapter : config_.adapters) {
      PipelineConfig one = bare;
      one.adapters = {adapter};
      if (sound(Kind::adapter, adapter) && collect(adapter, [&] { open_model(one); })) sound_.adapters.push_back(adapter);
    }
    if (!sound_.adapters.empty() && !collect(sound_.adapters.back(), [&] { open_model(sound_); })) {
      sound_.adapters.clear();
      open_model(sound_);
    }
    return true;
  }

  void open_model(PipelineConfig config) {
    session_.fit_vocabulary(config);
    const int64_t of_data = session_.data_vocab_size();
    const Value* given = find(config.model.values, "vocab_size");
    vocabulary_known_ = of_data > 0 || (given && given->is<int64_t>() && given->as<int64_t>() > 0);
    session_.maker.use(config);
    session_.model = session_.maker.unopened(session_.structure);
    session_.maker.open(*session_.model, session_.structure, vocabulary_known_ ? of_data : kAnyVocabulary);
  }

  void check_initial_files() {
    const bool knows = tokens_known();
    collect(
        config_.model,
        [&] {
          const TokensHere here = tokens_here(session_, *files_, shown_ids(session_.dataset.get()), /*tells=*/false);
          check_initial_weights(*files_, config_.model, *session_.model, knows ? &here : nullptr);
        },
        "init_from");
    if (sound_.adapters.size() == config_.adapters.size()) add(adapter_file_errors(config_, session_, *files_, knows));
  }

  // Returns whether the session tells the tokens of the model's rows, as the run would.
  bool tokens_known() const {
    if (!vocabulary_known_ || (config_.tokenizer && (!tokenizer_known_ || !session_.tokenizer->ready()))) return false;
    return !config_.dataset || session_.dataset || !shows_a_part_;
  }

  void check_items() {
    sound_.stages.clear();
    for (const StageConfig& stage : config_.stages) {
      StageConfig& own = sound_.stages.emplace_back(stage);
      own.operations.clear();
      own.evaluators.clear();
      for (const Section& operation : stage.operations) check_item(Kind::operation, operation, own.operations);
      if (config_.tokenizer && !tokenizer_known_) continue;
      for (const Section& evaluator : stage.evaluators) {
        check_item(Kind::evaluator, evaluator, own.evaluators);
        own.evaluators.clear();
      }
    }
  }

  // Adds the item to `own`, the tables of its stage, when it can be opened after all those before it.
  void check_item(Kind kind, const Section& item, std::vector<Section>& own) {
    if (!sound(kind, item)) return;
    own.push_back(item);
    if (!collect(item, [&] { open_stage_items(sound_, session_, seed()); })) own.pop_back();
  }

  // Plans the operations that can be opened, one after the other, and reports those that fail.
  void check_plan() {
    Effects known = kAllEffects;
    if (!errors_.empty()) known &= ~kUndoes;  // the operation that it would undo may be missing here
    if (!vocabulary_known_) {
      known = kChangesTraining;
      put(session_.structure.keys, "vocab_size", kAnyVocabulary);
    }
    collect(config_.model, [&] {
      SchedulePlan plan = plan_schedule(sound_, session_, known, goes_on(*files_, config_.run.as<RunOptions>()));
      std::erase_if(plan.errors, [](const Error& e) { return e.code() == Code::plugin_failed; });  // reported when it happens
      add(plan.errors);
    });
  }

  const PipelineConfig& config_;
  PipelineConfig sound_;  // without the adapters, operations and evaluators that were refused
  Session& session_;
  std::optional<Scratch> scratch_;
  const std::shared_ptr<FileSystem> files_{posix_file_system()};
  bool tokenizer_known_ = false, vocabulary_known_ = false, vocabulary_refused_ = false, stages_fit_ = false;
  bool shows_a_part_ = true;  // the dataset may show only a part of the vocabulary
  std::vector<Error> errors_;
};

// Returns the options for one thread on a CPU, because nothing is computed.
RunOptions frugal(RunOptions options) {
  options.device = "cpu";
  options.threads = 1;
  return options;
}

}  // namespace

std::vector<Error> check_pipeline(const PipelineConfig& config, const std::vector<std::string>& plugin_files) {
  Session session(frugal(config.run.as<RunOptions>()), plugin_files);
  return Check(config, session).all();
}

std::vector<Error> check_items(const PipelineConfig& config, const std::vector<std::string>& plugin_files) {
  Session session(frugal(config.run.as<RunOptions>()), plugin_files);
  return Check(config, session).of_items();
}

}  // namespace gptcore
