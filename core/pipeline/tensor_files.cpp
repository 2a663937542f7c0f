#include "core/pipeline/tensor_files.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <set>
#include <span>

#include "core/base/file_system.h"
#include "core/base/text.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

Dtype dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return Dtype::f32;
    case at::kInt:
      return Dtype::i32;
    case at::kLong:
      return Dtype::i64;
    case at::kBFloat16:
      return Dtype::bf16;
    case at::kHalf:
      return Dtype::f16;
    default:
      throw Error(Code::internal, "a tensor of this type has no place in a checkpoint");
  }
}

std::string differences(const SafetensorsFile& file, const NamedTensors& tensors) {
  std::vector<std::string> found;
  std::set<std::string> wanted;
  for (const auto& [name, tensor] : tensors) {
    wanted.insert(name);
    const TensorInfo* info = file.find(name);
    if (!info)
      found.push_back("'" + name + "' is missing");
    else if (info->shape != tensor.sizes().vec() || info->dtype != dtype_of(tensor))
      found.push_back("'" + name + "' is " + std::string(dtype_name(info->dtype)) + " " + shape_text(info->shape) +
                      " there and " + std::string(dtype_name(dtype_of(tensor))) + " " + shape_text(tensor.sizes()) + " here");
  }
  for (const TensorInfo& info : file.tensors())
    if (!wanted.contains(info.name)) found.push_back("'" + info.name + "' is not in this model");
  std::string text;
  for (size_t i = 0; i < found.size() && i < 3; ++i) text += (i ? "; " : "") + found[i];
  if (found.size() > 3) text += "; and " + std::to_string(found.size() - 3) + " more";
  return text;
}

void read_into(const SafetensorsFile& source, const std::string& name, const at::Tensor& tensor) {
  const at::NoGradGuard no_grad;
  const at::Tensor home = tensor.detach();
  const at::Tensor staging =
      home.is_cpu() && home.is_contiguous() ? home : at::empty(home.sizes(), home.options().device(at::kCPU));
  source.read_into(name, staging.mutable_data_ptr(), staging.nbytes());
  if (!staging.is_same(home)) home.copy_(staging);
}

}  // namespace

NamedTensors named_tensors(const std::vector<Parameter>& parameters) {
  NamedTensors all;
  for (const Parameter& p : parameters) all.emplace_back(p.name, p.tensor);
  return all;
}

TensorSource streamed(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().reshape({-1});
  TensorSource source{name, dtype_of(tensor), tensor.sizes().vec()};
  source.read = [flat](uint64_t offset, std::span<std::byte> out) {
    const auto size = static_cast<int64_t>(flat.itemsize()), count = static_cast<int64_t>(out.size()) / size;
    const at::Tensor here = at::from_blob(out.data(), {count}, flat.options().device(at::kCPU));
    here.copy_(flat.narrow(0, static_cast<int64_t>(offset) / size, count));
  };
  return source;
}

CheckpointPart tensor_part(const std::string& file, const NamedTensors& tensors, std::vector<at::Tensor>& keep) {
  TensorPart part;
  for (const auto& [name, tensor] : tensors) {
    keep.push_back(tensor.detach().contiguous());
    if (tensor.is_cpu())
      part.tensors.push_back({name, dtype_of(tensor), tensor.sizes().vec(), keep.back().const_data_ptr()});
    else
      part.tensors.push_back(streamed(name, keep.back()));
  }
  return {file, std::move(part)};
}

void check_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors) {
  const std::string wrong = differences(checkpoint.tensors(files, file), tensors);
  if (!wrong.empty())
    throw Error(Code::checkpoint_mismatch, "the checkpoint is of another model: " + wrong,
                "use the config that the checkpoint was made with", (checkpoint.directory / file).string());
}

void load_tensors(FileSystem& files, const Checkpoint& checkpoint, const std::string& file, const NamedTensors& tensors) {
  check_tensors(files, checkpoint, file, tensors);
  const SafetensorsFile source = checkpoint.tensors(files, file);
  for (const auto& [name, tensor] : tensors) read_into(source, name, tensor);
}

bool all_finite(FileSystem& files, const Checkpoint& checkpoint, const std::string& file) {
  const SafetensorsFile source = checkpoint.tensors(files, file);
  return std::all_of(source.tensors().begin(), source.tensors().end(), [&](const TensorInfo& info) {
    const at::ScalarType type = info.dtype == Dtype::bf16  ? at::kBFloat16
                                : info.dtype == Dtype::f16 ? at::kHalf
                                : info.dtype == Dtype::f64 ? at::kDouble
                                                           : at::kFloat;
    if (type == at::kFloat && info.dtype != Dtype::f32) return true;  // integers
    const at::Tensor values = at::empty(info.shape, type);
    source.read_into(info.name, values.mutable_data_ptr(), values.nbytes());
    return values.isfinite().all().item<bool>();
  });
}

LoadedTensors load_matching(FileSystem& files, const Checkpoint& checkpoint, const std::string& file,
                            const NamedTensors& tensors) {
  const SafetensorsFile source = checkpoint.tensors(files, file);
  LoadedTensors report;
  for (const auto& [name, tensor] : tensors) {
    const TensorInfo* info = source.find(name);
    const bool fits = info && info->shape == tensor.sizes().vec() && info->dtype == dtype_of(tensor);
    if (fits) read_into(source, name, tensor);
    ++(fits ? report.loaded : report.left);
  }
  report.dropped = source.tensors().size() - report.loaded;
  return report;
}

}  // namespace gptcore
