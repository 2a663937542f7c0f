#include "curriculum.h"

#include <numeric>

namespace gptcore::datasets {

void Curriculum::set_alpha(double alpha, int64_t first) {
  while (!phases_.empty() && phases_.back().first >= first) phases_.pop_back();
  phases_.emplace_back(first, alpha);
}

double Curriculum::alpha(int64_t sample) const {
  double out = 0;
  for (const auto& [first, value] : phases_)
    if (first <= sample) out = value;
  return out;
}

void Curriculum::count(std::span<const int64_t> targets) {
  for (const int64_t id : targets) {
    if (id < 0) continue;
    if (static_cast<size_t>(id) >= counts_.size()) counts_.resize(static_cast<size_t>(id) + 1);
    kinds_ += counts_[static_cast<size_t>(id)]++ == 0;
    ++total_;
  }
}

double Curriculum::score(std::span<const int64_t> targets, double alpha) const {
  double sum = 0;
  int64_t tokens = 0;
  for (const int64_t id : targets) {
    if (id < 0) continue;
    // A token that was not counted is as rare as one that was counted once.
    const int64_t met = static_cast<size_t>(id) < counts_.size() ? counts_[static_cast<size_t>(id)] : 0;
    const double share = static_cast<double>(met > 0 ? met : 1) / static_cast<double>(total_);
    sum += 1 - alpha + alpha / (static_cast<double>(kinds_) * share);
    ++tokens;
  }
  return tokens > 0 ? sum / static_cast<double>(tokens) : 0;
}

size_t Curriculum::choose(std::span<const double> scores, double uniform) {
  double left = uniform * std::accumulate(scores.begin(), scores.end(), 0.0);
  for (size_t i = 0; i + 1 < scores.size(); ++i) {
    if (left < scores[i]) return i;
    left -= scores[i];
  }
  return scores.size() - 1;
}

}  // namespace gptcore::datasets
