#include "core/pipeline/initial_weights.h"

#include <algorithm>

#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/init_from.h"
#include "core/interchange/hf_weights.h"
#include "core/model/gpt_options.h"
#include "core/model/structure.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr const char* kWeights = "model.safetensors";

// Adapters of this pipeline that the checkpoint does not have start anew; all else must be in both.
void load_checkpoint(FileSystem& files, const std::filesystem::path& path, Network& network) {
  const Checkpoint checkpoint = open_checkpoint(files, path);
  const SafetensorsFile stored = checkpoint.tensors(files, kWeights);
  NamedTensors tensors = named_tensors(network.parameters());
  const std::vector<AdapterInfo> adapters = network.adapters();
  std::erase_if(tensors, [&](const auto& tensor) {
    const bool of_adapter = std::any_of(adapters.begin(), adapters.end(), [&](const AdapterInfo& adapter) {
      return tensor.first.starts_with(adapter_prefix(adapter));
    });
    return of_adapter && !stored.find(tensor.first);
  });
  load_tensors(files, checkpoint, kWeights, tensors);
}

}  // namespace

std::string load_initial_weights(FileSystem& files, const Section& model, Network& network) {
  if (model.use != "gpt") return "";
  auto options = model.as<GptOptions>();
  if (options.init_from.empty()) return "";
  const InitFrom from = parse_init_from(options.init_from);
  if (from.kind == InitFrom::Kind::checkpoint) {
    load_checkpoint(files, from.path, network);
  } else {
    options.vocab_size = network.vocab_size();
    load_hf_weights(files, from.path, GptWeights(options, network.parameters()));
  }
  return "weights from " + from.path.string();
}

}  // namespace gptcore
