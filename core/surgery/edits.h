// The edits of a plan as data.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gptcore/draft/model_edit.h"

namespace gptcore {

struct SetTrainable {
  std::vector<std::string> parameters;  // only those that change
  bool on = false;
};
struct ArrangeBlocks {
  std::vector<int64_t> sources;
};
struct WidenMlp {
  int64_t hidden = 0;
  double noise = 0;
};
struct WidenEmbedding {
  int64_t n_embd = 0;
  double noise = 0;
};
struct ResizeVocabulary {
  int64_t size = 0, source = 0;
  double noise = 0;
};
// Row i of the vocabulary becomes the old row rows[i].
struct ArrangeVocabulary {
  std::vector<int64_t> rows;
};
struct SetAdapter {
  std::vector<std::string> layers;
  std::string item;
  std::vector<Table> values;  // complete; one per layer
  bool train_base = false;
};
struct MergeAdapter {
  std::vector<std::string> layers;
  bool drop = false;
};
struct DropAdapter {
  std::vector<std::string> layers;
};
struct Replace {
  std::string parameter;
  at::Tensor values;
  Moments moments = Moments::kept;
};
struct SetData {
  std::string key;
  Value value;
};
using Edit = std::variant<SetTrainable, ArrangeBlocks, WidenMlp, WidenEmbedding, ResizeVocabulary, ArrangeVocabulary,
                          SetAdapter, MergeAdapter, DropAdapter, Replace, SetData>;

// Returns a line per change: "freeze wte.weight", "blocks 0 0 1 1", "adapter lora on blocks.0.attn.qkv (rank = 4, alpha = 8)".
std::vector<std::string> lines_of(const Edit& edit);

}  // namespace gptcore
