// Prefers windows with rare tokens: what is shown aims at (1 - alpha) times the corpus's token distribution and alpha times the
// uniform one over the tokens that it has.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace gptcore::datasets {

class Curriculum {
 public:
  static constexpr int64_t kCandidates = 8;  // windows of which a sample is chosen

  // From sample `first` on; earlier samples stay what they are, later changes are forgotten.
  void set_alpha(double alpha, int64_t first);
  double alpha(int64_t sample) const;
  void forget() { phases_.clear(); }
  // First samples and their alphas, as set_alpha() was called.
  const std::vector<std::pair<int64_t, double>>& phases() const { return phases_; }

  // How often the corpus has each token. Needed before choose().
  bool counted() const { return !counts_.empty(); }
  void count(std::span<const int64_t> targets);

  // The mean of how much oftener than the corpus the aim has the window's tokens; -1 among them is left out.
  double score(std::span<const int64_t> targets, double alpha) const;
  // One of the candidates, drawn in proportion to its score by `uniform` in [0, 1).
  static size_t choose(std::span<const double> scores, double uniform);

 private:
  std::vector<std::pair<int64_t, double>> phases_;
  std::vector<int64_t> counts_;  // by token
  int64_t total_ = 0, kinds_ = 0;
};

}  // namespace gptcore::datasets
