#include "core/pipeline/tensor_files.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "core/base/file_system.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;

namespace {

Checkpoint save(FileSystem& files, const std::filesystem::path& run, const NamedTensors& tensors) {
  std::vector<at::Tensor> keep;
  CheckpointStore store(files, run);
  return store.publish(1, {tensor_part("model.safetensors", tensors, keep)});
}

}  // namespace

TEST_CASE("tensors come back into the memory that the model uses", "[tensors]") {
  const TempFolder folder;
  const auto files = posix_file_system();
  const at::Tensor matrix = at::arange(12, at::kFloat).view({3, 4}), scalar = at::full({}, 5.0f);
  const Checkpoint checkpoint = save(*files, folder.path, {{"matrix", matrix.t()}, {"scalar", scalar}});  // t(): not contiguous
  const at::Tensor home = at::zeros({100}), part = home.narrow(0, 16, 12).view({4, 3}), step = at::zeros({});
  load_tensors(*files, checkpoint, "model.safetensors", {{"matrix", part}, {"scalar", step}});
  CHECK(at::equal(part, matrix.t()));
  CHECK(step.item<float>() == 5);
  CHECK(home.sum().item<float>() == 66);  // nothing beside it
}

TEST_CASE("a checkpoint of another model names what does not fit and changes nothing", "[tensors]") {
  const TempFolder folder;
  const auto files = posix_file_system();
  const Checkpoint checkpoint = save(*files, folder.path, {{"a", at::full({2, 3}, 1.0f)}, {"b", at::full({4}, 1.0f)}});
  const at::Tensor a = at::zeros({2, 3}), b = at::zeros({5}), c = at::zeros({1});
  CHECK_THROWS_WITH(load_tensors(*files, checkpoint, "model.safetensors", {{"a", a}, {"b", b}, {"c", c}}),
                    Catch::Contains("'b' is F32 (4) there and F32 (5) here") && Catch::Contains("'c' is missing"));
  CHECK_THROWS_WITH(load_tensors(*files, checkpoint, "model.safetensors", {{"a", a}}),
                    Catch::Contains("'b' is not in this model"));
  CHECK(a.sum().item<float>() == 0);
}

TEST_CASE("a tensor that is streamed makes the same file as one that is not", "[tensors]") {
  const TempFolder folder;
  const auto files = posix_file_system();
  const NamedTensors tensors = {{"large", at::arange(600'001, at::kFloat)},  // two pieces and a part
                                {"turned", at::arange(12, at::kLong).view({3, 4}).t()},
                                {"half", at::full({3}, 1.5).to(at::kBFloat16)},
                                {"scalar", at::full({}, 7, at::kInt)},
                                {"empty", at::zeros({0, 4})}};
  std::vector<at::Tensor> keep;
  const CheckpointPart direct = tensor_part("x", tensors, keep);
  std::vector<TensorSource> sources;
  for (const auto& [name, tensor] : tensors) sources.push_back(streamed(name, tensor));
  const WrittenFile a = write_safetensors(*files, folder.path / "a", std::get<TensorPart>(direct.content).tensors);
  const WrittenFile b = write_safetensors(*files, folder.path / "b", sources);
  CHECK(a.xxh3 == b.xxh3);
  CHECK(read_raw(folder.path / "a") == read_raw(folder.path / "b"));
}
