// Mixes samples of several datasets, in given shares.
#include <ATen/ops/cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "../source_tables.h"
#include "curriculum.h"
#include "gptcore/plugin.h"
#include "gptcore/random.h"
#include "schedule.h"

namespace {

using namespace gptcore;
using namespace gptcore::datasets;

constexpr int64_t kTraining = int64_t{1} << 48;                             // evaluations draw their samples after it
constexpr int64_t kDrawn = int64_t{1} << 52, kCounting = int64_t{1} << 51;  // beyond any run's samples
constexpr int64_t kMostCounted = 2'000'000;                                 // tokens

double number_in(const Value& value) {
  return value.is<int64_t>() ? static_cast<double>(value.as<int64_t>()) : value.is<double>() ? value.as<double>() : -1;
}

class Mixture final : public Dataset, SampleControls {
 public:
  static void schema(Schema<Mixture>& s) {
    s.param("source", &Mixture::tables_,
            "list of tables: use = the dataset's name, weight = its share (1 without it), and its own keys")
        .required();
    s.param("curriculum_alpha", &Mixture::alpha_,
            "training aims at tokens (1 - alpha) times as the corpus has them and alpha times all equally often")
        .range(0, 1);
    s.check([](const Mixture& m, Problems& found) {
      const bool list = m.tables_.is<List>() && !m.tables_.as<List>().empty();
      if (!list) found.push_back({"source", "'source' expects a list of tables", "write [[dataset.source]] for each"});
      for (const Value& table : list ? m.tables_.as<List>() : List{})
        if (const std::string wrong = misfit_of_source(table); !wrong.empty()) found.push_back({"source", wrong, {}});
    });
  }

  void open(const DatasetContext& context) override {
    std::vector<const Table*> tables;
    for (const Value& table : tables_.as<List>()) tables.push_back(&table.as<Table>());
    sources_ = open_sources(tables, context);
    for (const Source& source : sources_) weights_.push_back(source.weight);
    for (const Split split : {Split::train, Split::val}) {
      for (size_t s = 0; s < sources_.size(); ++s)
        if (sources_[s].dataset->windows(split) > 0) present_[index(split)].push_back(s);
      if (!present_[index(split)].empty()) schedules_[index(split)] = MixtureSchedule(weights_of(split));
    }
    opened_ = schedules_[0];
    key_ = stream_key(context.seed, "curriculum");
    if (alpha_ > 0) aim(alpha_, 0);
  }

  int64_t vocab_size() const override {
    int64_t size = 0;
    for (const Source& s : sources_) size = std::max(size, s.dataset->vocab_size());
    return size;
  }
  int64_t tokens(Split split) const override {
    return sum([&](const Dataset& d) { return d.tokens(split); });
  }
  int64_t windows(Split split) const override {
    return sum([&](const Dataset& d) { return d.windows(split); });
  }

  void batch(const BatchRequest& request, Batch& out) override {
    const bool training = request.split == Split::train && request.order == Order::shuffled && request.first_sample < kTraining;
    std::vector<at::Tensor> ids, targets;
    for (int64_t i = request.first_sample; i < request.first_sample + request.count; ++i) {
      const double alpha = training ? curriculum_.alpha(i) : 0;
      Batch row = alpha > 0 ? chosen(i, alpha) : row_of(request, schedules_[index(request.split)], i);
      ids.push_back(std::move(row.ids));
      targets.push_back(std::move(row.targets));
    }
    out.ids = at::cat(ids);
    out.targets = at::cat(targets);
    if (training) asked_ = std::max(asked_, request.first_sample + request.count);
  }

  std::string fingerprint() const override {
    uint64_t hash = 0;
    for (const Source& s : sources_) hash = random_bits(hash, stream_key(0, s.dataset->fingerprint()));
    return std::to_string(hash);
  }

  std::string save() const override {
    std::vector<std::vector<uint8_t>> inner;  // may be any bytes
    for (const Source& s : sources_) {
      const std::string own = s.dataset->save();
      inner.emplace_back(own.begin(), own.end());
    }
    return nlohmann::json{
        {"schedule", schedules_[0].save()}, {"weights", weights_}, {"alphas", curriculum_.phases()}, {"sources", inner}}
        .dump();
  }
  void load(std::string_view saved) override {
    try {
      const auto state = nlohmann::json::parse(saved);
      const auto weights = state.at("weights").get<std::vector<double>>();
      const auto inner = state.at("sources").get<std::vector<std::vector<uint8_t>>>();
      if (weights.size() != sources_.size() || inner.size() != sources_.size())
        throw std::runtime_error("it is not of " + std::to_string(sources_.size()) + " sources");
      const auto alphas = state.at("alphas").get<std::vector<std::pair<int64_t, double>>>();
      schedules_[0].load(state.at("schedule").get<std::string>());
      curriculum_.forget();
      for (const auto& [first, alpha] : alphas) aim(alpha, first);
      weights_ = weights;
      for (size_t s = 0; s < sources_.size(); ++s)
        if (!inner[s].empty()) sources_[s].dataset->load(std::string(inner[s].begin(), inner[s].end()));
    } catch (const Error&) {
      throw;
    } catch (const nlohmann::json::exception&) {
      throw Error(Code::checkpoint_corrupt, "the saved state of dataset 'mixture' cannot be used: it is not one of a mixture");
    } catch (const std::exception& e) {
      throw Error(Code::checkpoint_corrupt, std::string("the saved state of dataset 'mixture' cannot be used: ") + e.what());
    }
  }

  void set(std::string_view key, const Value& value) override { change(key, value, asked_); }
  Status set_from(std::string_view key, const Value& value, int64_t first_sample) noexcept override {
    return guard([&] { change(key, value, first_sample); });
  }
  void* extension(std::string_view id) override { return extension_as<SampleControls>(this, id); }

 private:
  static size_t index(Split split) { return static_cast<size_t>(split); }

  template <class F> int64_t sum(F&& of) const {
    int64_t out = 0;
    for (const Source& s : sources_) out += of(*s.dataset);
    return out;
  }

  Batch row_of(const BatchRequest& request, const MixtureSchedule& schedule, int64_t sample) {
    BatchRequest one = request;
    one.count = 1;
    Dataset& source = source_of(request, schedule, sample, one.first_sample);
    Batch row;
    source.batch(one, row);
    return row;
  }

  // Returns the source of a sample. Sequential samples are the sources' own, one source after another.
  Dataset& source_of(const BatchRequest& request, const MixtureSchedule& schedule, int64_t sample, int64_t& own) {
    if (request.order == Order::shuffled && !present_[index(request.split)].empty()) {
      const MixedSample found = schedule.at(sample);
      own = found.sample;
      return *sources_[present_[index(request.split)].at(found.source)].dataset;
    }
    own = sample;
    for (const Source& s : sources_) {
      const int64_t windows = s.dataset->windows(request.split);
      if (own < windows) return *s.dataset;
      own -= windows;
    }
    throw Error(Code::internal,
                "the " + std::string(name_of(request.split)) + " split has no sample " + std::to_string(sample));
  }

  // Returns either the sample's own window or one of others from all over the sources.
  Batch chosen(int64_t sample, double alpha) {
    std::vector<Batch> candidates;
    std::vector<double> scores;
    for (int64_t c = 0; c < Curriculum::kCandidates; ++c) {
      const int64_t draw = sample * Curriculum::kCandidates + c;
      MixedSample from = schedules_[0].at(sample);
      if (c > 0) from = {schedules_[0].draw(sample, random_uniform(key_, static_cast<uint64_t>(draw))), kDrawn + draw};
      Batch row;
      sources_[present_[0].at(from.source)].dataset->batch({Split::train, Order::shuffled, from.sample, 1}, row);
      scores.push_back(curriculum_.score(targets_of(row), alpha));
      candidates.push_back(std::move(row));
    }
    const double uniform = random_uniform(key_, static_cast<uint64_t>(sample * Curriculum::kCandidates));
    return std::move(candidates[Curriculum::choose(scores, uniform)]);
  }

  static std::span<const int64_t> targets_of(const Batch& row) {
    return {row.targets.const_data_ptr<int64_t>(), static_cast<size_t>(row.targets.numel())};
  }

  // Sets alpha. Counts the tokens when they are first needed, in windows that depend on nothing that changes.
  void aim(double alpha, int64_t first) {
    const BatchRequest request{Split::train, Order::shuffled, 0, 1};
    const int64_t wanted = curriculum_.counted() ? 0 : std::min(kMostCounted, tokens(Split::train));
    for (int64_t met = 0, at = kCounting; met < wanted; ++at) {
      const Batch row = row_of(request, opened_, at);
      curriculum_.count(targets_of(row));
      met += row.targets.numel();
    }
    curriculum_.set_alpha(alpha, first);
  }

  std::vector<double> weights_of(Split split) const {
    std::vector<double> out;
    for (const size_t s : present_[index(split)]) out.push_back(weights_[s]);
    return out;
  }

  void change(std::string_view key, const Value& value, int64_t first_sample) {
    if (key == "weights") {
      weights_ = weights_in(value);
      schedules_[0].change(weights_of(Split::train), first_sample);
    } else if (key == "curriculum_alpha") {
      const double alpha = number_in(value);
      if (!(alpha >= 0 && alpha <= 1))
        throw Error(Code::out_of_range, "'curriculum_alpha' expects 0..1, got " + to_toml(value));
      aim(alpha, first_sample);
    } else {
      forward(key, value);
    }
  }

  std::vector<double> weights_in(const Value& value) const {
    std::vector<double> out;
    if (value.is<List>())
      for (const Value& item : value.as<List>()) out.push_back(number_in(item));
    const bool positive = std::all_of(out.begin(), out.end(), [](double w) { return w > 0 && w < 1e300; });
    if (out.size() != sources_.size() || !positive)
      throw Error(Code::out_of_range,
                  "'weights' expects " + std::to_string(sources_.size()) + " numbers above 0, got " + to_toml(value));
    return out;
  }

  // Passes a control to the sources that have it.
  void forward(std::string_view key, const Value& value) {
    bool taken = false;
    for (const Source& s : sources_) {
      try {
        s.dataset->set(key, value);
        taken = true;
      } catch (const Error& e) {
        if (e.code() != Code::unknown_key) throw;
      }
    }
    if (!taken)
      throw Error(Code::unknown_key, "neither the mixture nor a source of it has a control '" + std::string(key) + "'",
                  "the mixture has weights and curriculum_alpha");
  }

  Value tables_;
  double alpha_ = 0;

  std::vector<Source> sources_;
  std::vector<double> weights_;
  std::vector<size_t> present_[2];  // sources that have the split
  MixtureSchedule schedules_[2];    // val's stays as it was opened, so that losses stay comparable
  MixtureSchedule opened_;          // of train
  Curriculum curriculum_;
  uint64_t key_ = 0;
  int64_t asked_ = 0;  // training samples requested so far
};

void setup(Registrar& r) {
  r.dataset<Mixture>("mixture", "samples of several datasets by weight");
}

}  // namespace

GPTCORE_PLUGIN("mixture", GPTCORE_VERSION, setup)
