#include "core/interchange/hf_weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include "core/base/file_system.h"
#include "core/base/text.h"
#include "core/builtin/hf_config.h"
#include "core/interchange/hf_folder.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr const char* kHead = "lm_head.weight";

// "blocks.3.attn.qkv.weight" -> "h.3.attn.c_attn.weight"
std::string hf_name(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> kParts[] = {{"blocks.", "h."},
                                                                      {".attn.qkv.", ".attn.c_attn."},
                                                                      {".attn.proj.", ".attn.c_proj."},
                                                                      {".mlp.fc.", ".mlp.c_fc."},
                                                                      {".mlp.proj.", ".mlp.c_proj."}};
  std::string out = name;
  for (const auto& [ours, theirs] : kParts)
    if (const size_t at = out.find(ours); at != std::string::npos) out.replace(at, ours.size(), theirs);
  return out;
}

std::vector<int64_t> hf_shape(const GptTensor& tensor) {
  std::vector<int64_t> shape = tensor.shape;
  if (is_linear_weight(tensor.name)) std::reverse(shape.begin(), shape.end());
  return shape;
}

std::optional<at::ScalarType> scalar_type_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return at::kFloat;
    case Dtype::f16:
      return at::kHalf;
    case Dtype::bf16:
      return at::kBFloat16;
    default:
      return std::nullopt;
  }
}

at::Tensor read(const HfFolder::Found& found) {
  const at::Tensor tensor = at::empty(found.tensor->shape, *scalar_type_of(found.tensor->dtype));
  found.file->read_into(found.tensor->name, tensor.mutable_data_ptr(), tensor.nbytes());
  return tensor.to(at::kFloat);
}

// Returns what does not fit, in words; "" when everything does.
std::string differences(const HfFolder& folder, const GptWeights& weights) {
  std::vector<std::string> found;
  std::set<std::string> wanted;
  const auto check = [&](const std::string& name, const std::vector<int64_t>& shape, bool optional) {
    wanted.insert(name);
    const auto there = folder.tensors().find(name);
    if (there == folder.tensors().end()) {
      if (!optional) found.push_back("'" + name + "' is missing");
      return;
    }
    const TensorInfo& tensor = *there->second.tensor;
    if (tensor.shape != shape)
      found.push_back("'" + name + "' is " + shape_text(tensor.shape) + ", and config.json makes it " + shape_text(shape));
    else if (!scalar_type_of(tensor.dtype))
      found.push_back("'" + name + "' is of type " + std::string(dtype_name(tensor.dtype)) + ", none of F32, F16, BF16");
  };
  for (const GptTensor& tensor : weights.list()) check(hf_name(tensor.name), hf_shape(tensor), false);
  if (weights.options().tie_word_embeddings) check(kHead, weights.list().front().shape, true);
  for (const auto& [name, there] : folder.tensors())
    if (!wanted.contains(name)) found.push_back("'" + name + "' is not in GPT-2");
  std::string text;
  for (size_t i = 0; i < found.size() && i < 3; ++i) text += (i ? "; " : "") + found[i];
  if (found.size() > 3) text += "; and " + std::to_string(found.size() - 3) + " more";
  return text;
}

// Throws unless the head is the embedding: a head of its own would be lost.
void require_tied(const HfFolder& folder) {
  const auto head = folder.tensors().find(kHead);
  if (head == folder.tensors().end()) return;
  if (!at::equal(read(head->second), read(folder.tensors().at("wte.weight"))))
    throw Error(Code::checkpoint_mismatch, "its lm_head.weight is not wte.weight, and config.json has them tied",
                "write \"tie_word_embeddings\": false into config.json if the head is meant to be one of its own",
                folder.where());
}

// Makes the tensor when the first piece is asked for and drops it after the last: one tensor at a time is in memory twice.
TensorSource source_of(const GptWeights& weights, const GptTensor& tensor, FileType type) {
  const Dtype dtype = type == FileType::f32 ? Dtype::f32 : type == FileType::f16 ? Dtype::f16 : Dtype::bf16;
  const std::string name = hf_name(tensor.name);
  TensorSource source{name == kHead ? name : "transformer." + name, dtype, hf_shape(tensor)};
  source.read = [&weights, &tensor, type, made = std::make_shared<at::Tensor>()](uint64_t offset, std::span<std::byte> out) {
    if (offset == 0) {
      const at::Tensor value = weights.get(tensor);
      *made = in_file_type(is_linear_weight(tensor.name) ? value.t() : value, type);
    }
    std::memcpy(out.data(), bytes_of(*made).data() + offset, out.size());
    if (offset + out.size() == made->nbytes()) made->reset();  // the tensor, not the pointer
  };
  return source;
}

void require_weights(const HfFolder& folder, const GptWeights& weights) {
  if (const std::string wrong = differences(folder, weights); !wrong.empty())
    throw Error(Code::checkpoint_mismatch, "the weights do not fit: " + wrong,
                "config.json and the weights must be of the same GPT-2 model", folder.where());
  if (weights.options().tie_word_embeddings) require_tied(folder);
}

}  // namespace

void check_hf_weights(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights) {
  require_weights(HfFolder(files, path), weights);
}

void load_hf_weights(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights) {
  const HfFolder folder(files, path);
  require_weights(folder, weights);
  for (const GptTensor& tensor : weights.list()) {
    const at::Tensor value = read(folder.tensors().at(hf_name(tensor.name)));
    weights.set(tensor, is_linear_weight(tensor.name) ? value.t() : value);
  }
}

void write_hf_folder(FileSystem& files, const std::filesystem::path& folder, const GptWeights& weights, FileType type,
                     const RoleIds& ids) {
  std::vector<TensorSource> sources;
  for (const GptTensor& tensor : weights.list()) sources.push_back(source_of(weights, tensor, type));
  write_safetensors(files, folder / "model.safetensors", sources, {{"format", "pt"}});  // transformers expects the format
  const char* const dtype = type == FileType::f32 ? "float32" : type == FileType::f16 ? "float16" : "bfloat16";
  const auto config = files.create(folder / "config.json");
  config->write(bytes_of(std::string_view(format_hf_config(weights.options(), dtype, ids))));
  config->sync();
  config->close();
}

}  // namespace gptcore
