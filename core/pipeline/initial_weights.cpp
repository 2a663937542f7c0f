#include "core/pipeline/initial_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/init_from.h"
#include "core/interchange/hf_weights.h"
#include "core/model/gpt_options.h"
#include "core/model/structure.h"
#include "core/model/vocabulary.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr const char* kWeights = "model.safetensors";

bool is_vocabulary(const std::string& name) {
  return name == "wte.weight" || name == "lm_head.weight";
}

// Of a key that is a size; 0 = not known.
int64_t size_in(const Table& keys, const std::string& key) {
  const Value* value = find(keys, key);
  return value && value->is<int64_t>() ? value->as<int64_t>() : 0;
}

// The network's parameters as those of a folder with these keys.
GptWeights weights_of(const Table& source, const GptOptions& options, Network& network) {
  GptOptions there = options;
  there.vocab_size = size_in(source, "vocab_size");
  there.block_size = size_in(source, "block_size");
  return {there, network.parameters()};
}

// Adapters of this pipeline that the checkpoint does not have start anew; all else must be in both. Returns the number of its
// tokens, which is `tokens` where its keys tell it.
int64_t load_checkpoint(FileSystem& files, const std::filesystem::path& path, int64_t tokens, Network& network) {
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
  std::vector<std::pair<at::Tensor, at::Tensor>> tables;  // ours and, with other rows, the checkpoint's
  for (auto& [name, tensor] : tensors) {
    const TensorInfo* there = stored.find(name);
    if (!there || there->shape.size() != 2 || there->shape[1] != tensor.size(1)) continue;
    const int64_t rows = there->shape[0];
    if (name == "wte.weight" && tokens == 0) tokens = rows == tensor.size(0) ? network.vocab_size() : rows;
    if (rows == tensor.size(0) || !(is_vocabulary(name) || (name == "wpe.weight" && rows > tensor.size(0)))) continue;
    tables.emplace_back(tensor, at::empty(there->shape, at::kFloat));
    tensor = tables.back().second;
  }
  if (tokens > network.vocab_size())
    throw Error(Code::checkpoint_mismatch,
                "the checkpoint's vocabulary has " + std::to_string(tokens) + " tokens and this model's " +
                    std::to_string(network.vocab_size()) + ": it can grow and not shrink",
                "set model.vocab_size = " + std::to_string(tokens), path.string());
  load_tensors(files, checkpoint, kWeights, tensors);
  for (const auto& [ours, theirs] : tables) {
    const int64_t rows = std::min(ours.size(0), theirs.size(0));
    ours.detach().narrow(0, 0, rows).copy_(theirs.narrow(0, 0, rows));
  }
  return tokens;
}

std::string add_tokens(Network& network, int64_t first, uint64_t seed) {
  const int64_t added = network.vocab_size() - first;
  if (first == 0 || added == 0) return {};
  const NewRows rule;
  for (const Parameter& p : network.parameters()) {
    if (!is_vocabulary(p.name)) continue;
    const at::Tensor table = p.tensor.detach();
    table.narrow(0, first, added).copy_(new_rows(table.narrow(0, 0, first), added, rule, "vocabulary of " + p.name, seed));
  }
  return "; " + std::to_string(added) + (added == 1 ? " row" : " rows") + " added for the tokens from " +
         std::to_string(first) + " on: the mean of the others plus noise of " + to_toml(Value(rule.noise));
}

}  // namespace

void check_initial_weights(FileSystem& files, const Section& model, Network& network) {
  if (model.use != "gpt") return;
  const auto options = model.as<GptOptions>();
  if (options.init_from.empty()) return;
  const InitFrom from = parse_init_from(options.init_from);
  if (from.kind == InitFrom::Kind::hf)
    check_hf_weights(files, from.path, weights_of(values_of(from), options, network));
  else
    open_checkpoint(files, from.path).tensors(files, kWeights);
}

std::string load_initial_weights(FileSystem& files, const Section& model, Network& network, uint64_t seed) {
  if (model.use != "gpt") return "";
  const auto options = model.as<GptOptions>();
  if (options.init_from.empty()) return "";
  const at::NoGradGuard no_grad;
  const InitFrom from = parse_init_from(options.init_from);
  const Table source = values_of(from);
  int64_t tokens = size_in(source, "vocab_size");
  if (from.kind == InitFrom::Kind::checkpoint)
    tokens = load_checkpoint(files, from.path, tokens, network);
  else
    load_hf_weights(files, from.path, weights_of(source, options, network));
  std::string said = "weights from " + from.path.string() + add_tokens(network, tokens, seed);
  const int64_t positions = size_in(source, "block_size");
  if (network.block_size() < positions)
    said += "; the first " + std::to_string(network.block_size()) + " of its " + std::to_string(positions) + " positions";
  if (network.block_size() > positions)
    said += "; a context of " + std::to_string(network.block_size()) + " in place of " + std::to_string(positions);
  return said;
}

}  // namespace gptcore
