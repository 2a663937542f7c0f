#include "schedule.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "gptcore/error.h"

namespace gptcore::datasets {
namespace {

constexpr uint64_t kCircle = uint64_t{1} << 24;
constexpr auto kStep =
    static_cast<uint64_t>(static_cast<double>(kCircle) / std::numbers::phi) | 1;  // odd, so it meets every place

uint64_t place(uint64_t step) {
  return (step % kCircle * kStep) % kCircle;
}

// Returns the sum of floor((a i + b) / m) over 0 <= i < n, by Euclid's algorithm. n and m are at most 2^24, so nothing
// overflows.
uint64_t floor_sum(uint64_t n, uint64_t m, uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  while (n > 0) {
    sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
    a %= m;
    b %= m;
    const uint64_t top = a * n + b;
    if (top < m) break;
    n = top / m;
    b = top % m;
    std::swap(m, a);
  }
  return sum;
}

// Returns how many of the first `steps` places are below `end`.
uint64_t count_below(uint64_t steps, uint64_t end) {
  const uint64_t rest = steps % kCircle;
  // floor(y / m) - floor((y - end) / m) is 1 where y mod m < end, else 0.
  const uint64_t in_rest = floor_sum(rest, kCircle, kStep, 0) + rest - floor_sum(rest, kCircle, kStep, kCircle - end);
  return steps / kCircle * end + in_rest;
}

}  // namespace

MixtureSchedule::Phase MixtureSchedule::phase(const std::vector<double>& weights, int64_t first, std::vector<int64_t> counts) {
  Phase out{first, weights, {}, std::move(counts)};
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (const double weight : weights) {
    sum += weight;
    out.ends.push_back(static_cast<uint64_t>(std::llround(sum / total * static_cast<double>(kCircle))));
  }
  out.ends.back() = kCircle;
  return out;
}

std::vector<int64_t> MixtureSchedule::counts_at(const Phase& phase, int64_t sample) {
  const auto steps = static_cast<uint64_t>(sample - phase.first);
  std::vector<int64_t> out = phase.counts;
  uint64_t below = 0;
  for (size_t s = 0; s < out.size(); ++s) {
    const uint64_t up_to = count_below(steps, phase.ends[s]);
    out[s] += static_cast<int64_t>(up_to - below);
    below = up_to;
  }
  return out;
}

const MixtureSchedule::Phase& MixtureSchedule::phase_of(int64_t sample) const {
  const auto after =
      std::upper_bound(phases_.begin(), phases_.end(), sample, [](int64_t s, const Phase& phase) { return s < phase.first; });
  return *(after - 1);
}

void MixtureSchedule::change(const std::vector<double>& weights, int64_t first) {
  while (!phases_.empty() && phases_.back().first >= first && phases_.size() > 1) phases_.pop_back();
  if (!phases_.empty() && phases_.back().first >= first) phases_.clear();
  auto counts = phases_.empty() ? std::vector<int64_t>(weights.size()) : counts_at(phases_.back(), first);
  phases_.push_back(phase(weights, phases_.empty() ? 0 : first, std::move(counts)));
}

MixedSample MixtureSchedule::at(int64_t sample) const {
  const Phase& now = phase_of(sample);
  const uint64_t where = place(static_cast<uint64_t>(sample - now.first));
  const auto source = static_cast<size_t>(std::upper_bound(now.ends.begin(), now.ends.end(), where) - now.ends.begin());
  return {source, counts_at(now, sample)[source]};
}

size_t MixtureSchedule::draw(int64_t sample, double uniform) const {
  const auto& ends = phase_of(sample).ends;
  const auto where = static_cast<uint64_t>(uniform * static_cast<double>(kCircle));
  return static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), where) - ends.begin());
}

std::string MixtureSchedule::save() const {
  nlohmann::json out = nlohmann::json::array();
  for (const Phase& p : phases_) out.push_back({{"first", p.first}, {"weights", p.weights}});
  return out.dump();
}

void MixtureSchedule::load(std::string_view saved) {
  const size_t sources = weights().size();
  std::vector<Phase> before;
  std::swap(before, phases_);
  try {
    for (const auto& p : nlohmann::json::parse(saved)) {
      const auto weights = p.at("weights").get<std::vector<double>>();
      const auto first = p.at("first").get<int64_t>();
      const bool positive = std::all_of(weights.begin(), weights.end(), [](double w) { return w > 0 && std::isfinite(w); });
      if (weights.size() != sources || !positive || first < (phases_.empty() ? 0 : phases_.back().first + 1))
        throw std::runtime_error("it is of other sources");
      change(weights, first);
    }
    if (phases_.empty()) throw std::runtime_error("it is empty");
  } catch (const nlohmann::json::exception&) {
    phases_ = std::move(before);
    throw Error(Code::checkpoint_corrupt, "the saved state of dataset 'mixture' cannot be used: it is not a list of weights");
  } catch (const std::exception& e) {
    phases_ = std::move(before);
    throw Error(Code::checkpoint_corrupt, std::string("the saved state of dataset 'mixture' cannot be used: ") + e.what());
  }
}

}  // namespace gptcore::datasets
