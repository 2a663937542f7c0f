// Draft: for a dataset that is made of others.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gptcore/dataset.h"
#include "gptcore/port.h"
#include "gptcore/value.h"

namespace gptcore {

// Host::service("gptcore.datasets/1"). The tables are those of the outer dataset's parameter `source`, one or a list of them:
// { use = "text", files = [...] }. The program has checked them, completed them by defaults and made their paths absolute; the
// key `weight` is left to the outer dataset.
class Datasets {
 public:
  // The dataset that the table names; not open. Throws Error.
  virtual std::unique_ptr<Dataset> make(const Table& source) = 0;

 protected:
  ~Datasets() = default;
};

// Dataset::extension("gptcore.sample_controls/1"): Dataset::set with the sample from which on it holds. Samples before it stay
// what they are, so batches that were made ahead may be dropped and asked for again.
class SampleControls {
 public:
  virtual Status set_from(std::string_view key, const Value& value, int64_t first_sample) noexcept = 0;

 protected:
  ~SampleControls() = default;
};

}  // namespace gptcore
