// A small checkpoint whose content depends on its step, for the tests of the store.
#pragma once

#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/checkpoint/store.h"

namespace gptcore {

struct SampleCheckpoint {
  explicit SampleCheckpoint(int64_t at)
      : weights(40, static_cast<float>(at)), moments(40, 0.5F * static_cast<float>(at)), step(at) {}

  std::vector<CheckpointPart> parts() const {
    const TensorPart model{{{"wte", Dtype::f32, {8, 5}, weights.data()}}, {{"format", "gptcore"}}};
    const TensorPart optimizer{{{"wte.m", Dtype::f32, {40}, moments.data()}}, {}};
    return {{"model.safetensors", model}, {"optimizer.safetensors", optimizer}, {"state.json", state()}};
  }
  std::string state() const { return "{\"step\": " + std::to_string(step) + ", \"tokens\": 10, \"best_val_loss\": 1.5}\n"; }

  std::vector<float> weights, moments;
  int64_t step;
};

// Whether a verified checkpoint holds exactly what was published for its step.
inline bool is_sample(FileSystem& files, const Checkpoint& checkpoint) {
  const SampleCheckpoint expected(checkpoint.step());
  std::vector<float> weights(40);
  checkpoint.tensors(files, "model.safetensors").read_into("wte", weights.data(), 160);
  return weights == expected.weights && checkpoint.text(files, "state.json") == expected.state();
}

inline std::vector<std::string> names_in(FileSystem& files, const std::filesystem::path& folder) {
  std::vector<std::string> names;
  if (files.kind(folder) == FileKind::absent) return names;
  for (const FileEntry& entry : files.list(folder)) names.push_back(entry.name);
  return names;
}

}  // namespace gptcore
