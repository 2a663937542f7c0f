// Finds the largest batch that fits by trying sizes: a pure function of `measure`.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gptcore/draft/model_edit.h"

namespace gptcore::operations {

struct SearchRules {
  std::vector<int64_t> sizes;  // those that may be chosen, ascending
  int64_t start = 1;           // tried first: the largest size that is not above it
  int64_t memory = 0;          // a trial of more bytes does not fit; 0 = no limit but the device's own
  int trials = 12;
};

struct Measured {
  int64_t size = 0;
  BatchTrial trial;
  bool fits = false;
};

// Returns every size up to 20 or so, then steps of 5 %; `own` and `most` are among them. Preconditions: own >= 1, most >= 1.
std::vector<int64_t> sizes_up_to(int64_t most, int64_t own);
// Returns the sizes that divide `samples`, up to `most`.
std::vector<int64_t> divisors_up_to(int64_t most, int64_t samples);

// Tries sizes, `rules.trials` at most: doubles what fits, jumps to where the memory of earlier trials puts the limit, and
// halves the rest. When larger sizes need more memory, and trials allow log2(sizes) of them, the largest of `sizes` that fits
// is among those measured. Returns the trials in order. Throws Error(out_of_memory) when not even the smallest fits.
std::vector<Measured> search_batch_size(const SearchRules& rules, const std::function<BatchTrial(int64_t)>& measure);

// Returns the largest that fits with a throughput within 5 % of the best measured.
const Measured& chosen(const std::vector<Measured>& all);

}  // namespace gptcore::operations
