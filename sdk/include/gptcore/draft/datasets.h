// Draft: interfaces for a dataset that is made of other datasets.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gptcore/dataset.h"
#include "gptcore/extension.h"
#include "gptcore/port.h"
#include "gptcore/value.h"

namespace gptcore {

// A service of the host. Its tables are the values of the outer dataset's parameter `source`: one table or a list of tables as
// { use = "text", files = [...] }. The program has checked them, added defaults and made paths absolute. The key `weight`
// belongs to the outer dataset.
class Datasets {
 public:
  static constexpr std::string_view kId = "gptcore.datasets/1";
  // Returns the dataset that the table names, before open(). Throws Error.
  virtual std::unique_ptr<Dataset> make(const Table& source) = 0;

 protected:
  ~Datasets() = default;
};

// An extension of Dataset: like Dataset::set, with the first sample that the new value holds for. Earlier samples do not
// change, so that batches made ahead may be dropped and requested again.
class SampleControls {
 public:
  static constexpr std::string_view kId = "gptcore.sample_controls/1";
  virtual Status set_from(std::string_view key, const Value& value, int64_t first_sample) noexcept = 0;

 protected:
  ~SampleControls() = default;
};

}  // namespace gptcore
