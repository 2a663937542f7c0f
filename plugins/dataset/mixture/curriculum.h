// Prefers windows with rare tokens: the shown tokens aim at (1 - alpha) times the corpus's token distribution plus alpha times
// the uniform one over the corpus's tokens.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace gptcore::datasets {

class Curriculum {
 public:
  static constexpr int64_t kCandidates = 8;  // windows from which a sample is chosen

  // Sets alpha from sample `first` on. Earlier samples do not change; later changes are forgotten.
  void set_alpha(double alpha, int64_t first);
  double alpha(int64_t sample) const;
  void forget() { phases_.clear(); }
  // Returns first samples and their alphas, as set_alpha() was called.
  const std::vector<std::pair<int64_t, double>>& phases() const { return phases_; }

  // Returns whether count() has counted the corpus's tokens, as score() needs.
  bool counted() const { return !counts_.empty(); }
  void count(std::span<const int64_t> targets);

  // Returns the mean, over the window's tokens except -1, of how much more frequent the aim makes them than the corpus.
  double score(std::span<const int64_t> targets, double alpha) const;
  // Returns one of the candidates, drawn in proportion to its score by `uniform` in [0, 1).
  static size_t choose(std::span<const double> scores, double uniform);

 private:
  std::vector<std::pair<int64_t, double>> phases_;
  std::vector<int64_t> counts_;  // by token
  int64_t total_ = 0, kinds_ = 0;
};

}  // namespace gptcore::datasets
