// The shape that a plan's edits so far make of a model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/train/channels.h"
#include "gptcore/model.h"

namespace gptcore {

struct PlannedShape {
  explicit PlannedShape(const ModelView& model);
  // Each throws Error, having changed nothing or some of it, when it cannot be carried out.
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

// "0 to 3", "0".
std::string range_of(int64_t count);

}  // namespace gptcore
