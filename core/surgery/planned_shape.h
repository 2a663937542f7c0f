// The shape of a model after a plan's edits so far.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/surgery/channels.h"
#include "gptcore/model.h"

namespace gptcore {

struct PlannedShape {
  explicit PlannedShape(const ModelView& model);
  // Each method throws Error when the edit does not fit; some of it may then be applied.
  void arrange_blocks(const std::vector<int64_t>& sources);
  void widen_mlp(int64_t hidden);
  void widen_embedding(int64_t n_embd);
  void drop_adapter(const std::string& layer);

  std::vector<Layer> layers;
  Shapes parameters;
  std::map<std::string, bool> trainable;
  std::map<std::string, AdapterInfo> adapters;  // by layer
  int64_t vocab = 0;
};

// Returns "0 to 3", or "0" for 1.
std::string range_of(int64_t count);

}  // namespace gptcore
