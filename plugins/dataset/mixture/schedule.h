// Finds the source of each sample of a mixture, by the sample's number alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore::datasets {

struct MixedSample {
  size_t source = 0;
  int64_t sample = 0;  // of that source, whose samples are taken in order, each once
};

// Spreads samples as evenly as their weights allow: by steps of the golden ratio around a circle of which each source has its
// share. Finds any sample in O(log) steps and keeps one entry for each change of weights.
class MixtureSchedule {
 public:
  MixtureSchedule() = default;
  // Positive weights, one for each source.
  explicit MixtureSchedule(const std::vector<double>& weights) { change(weights, 0); }

  // Sets the weights from sample `first` on. Earlier samples do not change; later changes are forgotten.
  void change(const std::vector<double>& weights, int64_t first);
  MixedSample at(int64_t sample) const;
  // Draws a source by the weights that hold at that sample; `uniform` is in [0, 1).
  size_t draw(int64_t sample, double uniform) const;
  const std::vector<double>& weights() const { return phases_.back().weights; }

  // Returns JSON. load() throws Error(checkpoint_corrupt) when it is for another number of sources.
  std::string save() const;
  void load(std::string_view saved);

 private:
  struct Phase {
    int64_t first = 0;
    std::vector<double> weights;
    std::vector<uint64_t> ends;   // of each source's share of the circle
    std::vector<int64_t> counts;  // samples of each source before this phase
  };
  static Phase phase(const std::vector<double>& weights, int64_t first, std::vector<int64_t> counts);
  const Phase& phase_of(int64_t sample) const;
  static std::vector<int64_t> counts_at(const Phase& phase, int64_t sample);

  std::vector<Phase> phases_;
};

}  // namespace gptcore::datasets
