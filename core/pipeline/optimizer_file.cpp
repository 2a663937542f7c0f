#include "core/pipeline/optimizer_file.h"

#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr std::string_view kStep = "step.";

int64_t count_in(const SafetensorsFile& file, const std::string& name) {
  const TensorInfo* info = file.find(name);
  if (!info || info->dtype != Dtype::f32 || info->bytes != sizeof(float)) return 0;
  float count = 0;
  file.read_into(name, &count, sizeof count);
  return static_cast<int64_t>(count);
}

}  // namespace

NamedMoments saved_updates(FileSystem& files, const Checkpoint& checkpoint, const std::vector<Parameter>& parameters,
                           const std::optional<std::map<std::string, int64_t>>& born) {
  const SafetensorsFile file = checkpoint.tensors(files, kOptimizerFile);
  const auto updates = [&](const std::string& name) {
    if (!born) return count_in(file, std::string(kStep) + name);
    const auto later = born->find(name);
    return count_in(file, later == born->end() ? "step" : std::string(kStep) + std::to_string(later->second));
  };
  NamedMoments all;
  for (const Parameter& p : parameters) {
    const TensorInfo* info = file.find("exp_avg." + p.name);
    if (info && info->shape == p.tensor.sizes().vec()) all[p.name].updates = updates(p.name);
  }
  return all;
}

void load_moments(FileSystem& files, const Checkpoint& checkpoint, AdamW& optimizer, bool other_model) {
  NamedTensors moments = optimizer.state();
  std::erase_if(moments, [](const auto& entry) { return entry.first.starts_with(kStep); });
  const LoadedTensors report = load_matching(files, checkpoint, kOptimizerFile, moments);
  if (other_model || report.left == 0) return;
  throw Error(
      Code::checkpoint_mismatch,
      "the optimizer's state lacks " + std::to_string(report.left) + " of " + std::to_string(moments.size()) + " moments",
      "use the config that the checkpoint was made with", (checkpoint.directory / kOptimizerFile).string());
}

}  // namespace gptcore
