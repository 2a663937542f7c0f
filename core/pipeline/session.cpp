#include "core/pipeline/session.h"

#include <algorithm>
#include <functional>

#include "core/device/cpu_allocator.h"
#include "core/device/device.h"
#include "core/model/vocabulary.h"
#include "core/pipeline/preflight.h"
#include "core/train/stop_signals.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// Runs `work`. An error without a place gets the place of the item's table. A checkpoint's tokenizer knew the data that it was
// learned from, so an unknown character means that the data has changed.
void with_place(const Section& section, const std::function<void()>& work, const Checkpoint* checkpoint = nullptr) {
  try {
    work();
  } catch (const Error& e) {
    const bool changed = checkpoint && e.code() == Code::unknown_character;
    if (!e.where().empty() && !changed) throw;
    const std::string hint = changed ? "the data has changed since " + checkpoint->directory.string() +
                                           " was made: put the old data back, or start over with --overwrite"
                                     : e.hint();
    if (!e.where().empty()) throw Error(e.code(), e.what(), hint, e.where());
    throw Error(e.code(), "'" + section.use + "': " + e.what(), hint, section.location.text());
  }
}

// Returns the vocab_size that a preset or init_from gives, or 0 when the pipeline gives it or nobody does.
int64_t implied_vocab_size(const Section& model) {
  if (model.use != "gpt") return 0;
  for (size_t i = 0; i < model.values.size(); ++i)
    if (model.values[i].first == "vocab_size" && model.origins[i].source == Source::default_value)
      return model.values[i].second.as<int64_t>();
  return 0;
}

}  // namespace

std::unique_ptr<Dataset> SourceDatasets::make(const Table& source) {
  Table values = source;
  std::erase_if(values, [](const auto& entry) { return entry.first == "use" || entry.first == "weight"; });
  const auto use = find(source, "use")->as<std::string>();
  auto made = plugins_.dataset(use, values);
  if (shown_vocabulary(made.get()))
    throw Error(Code::conflict, "the source '" + use + "' shows tokens by numbers of its own, which no dataset around it knows",
                "put it around the others: use = \"" + use + "\" in [dataset], and this dataset as its [dataset.source]");
  return made;
}

Session::Session(const RunOptions& options, const std::vector<std::string>& plugin_files)
    : host(log),
      watch([this](Level level, const std::string& text) { host.log(level, text); },
            [] { return StopSignals::received() != 0; }),
      device(choose_device(options.device)),
      compute(precision_of(options.precision)),
      threads(set_threads(options.threads)),
      maker(plugins, host, device, compute) {
  use_caching_cpu_allocator();
  host.offer(std::string(Datasets::kId), static_cast<Datasets*>(&sources));
  for (const std::string& file : plugin_files) plugins.load(file);
}

void Session::open_tokenizer(const PipelineConfig& config, FileSystem& files, const Checkpoint* checkpoint) {
  starts_ = !checkpoint;
  if (!config.tokenizer) return;
  tokenizer = plugins.tokenizer(config.tokenizer->use, config.tokenizer->values);
  with_place(*config.tokenizer, [&] { tokenizer->open(host); });
  if (checkpoint && checkpoint->has(kTokenizerFile)) tokenizer->load(checkpoint->text(files, kTokenizerFile));
  if (checkpoint && checkpoint->has(kVocabularyFile)) {
    const std::string where = checkpoint->directory.string();
    StoredVocabulary shown = parse_vocabulary(checkpoint->text(files, kVocabularyFile), where);
    tokenizer = std::make_unique<ShownTokenizer>(std::move(tokenizer), std::move(shown), where);
  }
}

void Session::open_dataset(const PipelineConfig& config, uint64_t seed, FileSystem& files, const Checkpoint* checkpoint) {
  starts_ = !checkpoint;
  if (!config.dataset) return;
  auto made = plugins.dataset(config.dataset->use, config.dataset->values);
  const bool shows_a_part = shown_vocabulary(made.get()) != nullptr;
  if (!shows_a_part) fit_vocabulary(config);
  make_model(config);
  const Value* vocab_size = find(structure.keys, "vocab_size");
  if (!vocab_size) vocab_size = find(config.model.values, "vocab_size");
  const bool follows_data = starts_ && implied_vocab_size(config.model) > 0;
  const bool still_grows = follows_data && (shows_a_part || (tokenizer && !tokenizer->ready()));
  dataset = std::move(made);
  if (auto* shown = dynamic_cast<ShownTokenizer*>(tokenizer.get())) tokenizer = shown->release();
  DatasetContext context;
  context.tokenizer = tokenizer.get();
  context.block_size = model->block_size();
  context.vocab_limit = vocab_size && vocab_size->is<int64_t>() && !still_grows ? vocab_size->as<int64_t>() : 0;
  context.seed = seed;
  context.host = &host;
  try {
    with_place(
        *config.dataset, [&] { dataset->open(context); }, checkpoint);
  } catch (const Error& e) {
    if (checkpoint) throw;
    throw placed(e, config.dataset->location.text());
  }
  if (checkpoint && checkpoint->has(kDatasetFile)) dataset->load(checkpoint->text(files, kDatasetFile));
  if (const ShownVocabulary* shown = shown_vocabulary(dataset.get()); shown && tokenizer)
    tokenizer = std::make_unique<ShownTokenizer>(std::move(tokenizer), *shown);
}

void Session::open_model(const PipelineConfig& config) {
  fit_vocabulary(config);
  make_model(config);
  maker.open(*model, structure, data_vocab_size());
}

int64_t Session::data_vocab_size() const {
  int64_t size = tokenizer && tokenizer->ready() ? tokenizer->vocab_size() : 0;
  if (dataset) size = std::max(size, dataset->vocab_size());
  return size;
}

int64_t Session::whole_vocab_size() const {
  const ShownVocabulary* shown = shown_vocabulary(dataset.get());
  return std::max(data_vocab_size(), shown ? shown->whole_size() : 0);
}

NetworkFactory Session::factory() {
  NetworkFactory made;
  made.network = [this](const Structure& changed) {
    auto network = maker.unopened(changed);
    maker.open(*network, changed, data_vocab_size());
    return network;
  };
  made.adapter = [this](const AdapterInfo& info, LayerKind kind, const at::Tensor& weight) {
    return maker.adapter(info, kind, weight);
  };
  made.keys = [this](const Structure& changed) { return maker.keys(changed); };
  return made;
}

void Session::fit_vocabulary(const PipelineConfig& config) {
  const int64_t implied = implied_vocab_size(config.model), needed = data_vocab_size();
  if (!starts_ || implied == 0 || find(structure.keys, "vocab_size") || needed == implied) return;
  if (needed < implied && shown_ids(dataset.get()).empty()) return;
  put(structure.keys, "vocab_size", needed);
  model.reset();
  host.log(Level::info,
           "the model has " + std::to_string(needed) + " tokens, as the data needs, in place of " + std::to_string(implied));
}

void Session::make_model(const PipelineConfig& config) {
  if (model) return;
  maker.use(config);
  model = maker.unopened(structure);
}

}  // namespace gptcore
