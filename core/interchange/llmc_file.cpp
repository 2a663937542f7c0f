#include "core/interchange/llmc_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <array>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Header = std::array<int32_t, 256>;

constexpr int32_t kMagic = 20240326;
constexpr int32_t kFloat = 3, kBfloat = 5;  // versions
constexpr int64_t kRowMultiple = 128;

Header header_of(const GptOptions& o, FileType type) {
  const int64_t rows = (o.vocab_size + kRowMultiple - 1) / kRowMultiple * kRowMultiple;
  const auto i = [](int64_t number) { return static_cast<int32_t>(number); };
  return {kMagic,          type == FileType::f32 ? kFloat : kBfloat,
          i(o.block_size), i(o.vocab_size),
          i(o.n_layer),    i(o.n_head),
          i(o.n_embd),     i(rows)};
}

// Calls visit(tensor) in the file's order: the embeddings, each tensor of a block for all blocks, the last norm.
template <class Visit> void visit_in_order(const GptWeights& weights, Visit&& visit) {
  constexpr size_t kOfBlock = 12;
  const std::vector<GptTensor>& all = weights.list();
  const size_t blocks = static_cast<size_t>(weights.options().n_layer), first = 2, last = first + blocks * kOfBlock;
  for (size_t i = 0; i < first; ++i) visit(all[i]);
  for (size_t kind = 0; kind < kOfBlock; ++kind)
    for (size_t block = 0; block < blocks; ++block) visit(all[first + block * kOfBlock + kind]);
  for (size_t i = last; i < all.size(); ++i) visit(all[i]);
}

std::span<const std::byte> bytes_of_header(const Header& header) {
  return std::as_bytes(std::span(header));
}

}  // namespace

void write_llmc_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights, FileType type) {
  const Header header = header_of(weights.options(), type);
  const auto file = files.create(path);
  file->write(bytes_of_header(header));
  const int64_t padding = header[7] - weights.options().vocab_size;
  visit_in_order(weights, [&](const GptTensor& tensor) {
    file->write(bytes_of(in_file_type(weights.get(tensor), type)));
    if (tensor.name == "wte.weight") file->write(bytes_of(at::zeros({padding, weights.options().n_embd}, scalar_type(type))));
  });
  file->sync();
  file->close();
}

void read_llmc_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights) {
  const auto file = files.open(path);
  uint64_t place = 0;
  const auto read = [&](std::span<std::byte> out) {
    if (file->read_at(place, out) != out.size())
      throw Error(Code::checkpoint_corrupt, "the file ends inside its tensors", "", path.string());
    place += out.size();
  };
  Header header;
  read(std::as_writable_bytes(std::span(header)));
  const FileType type = header[1] == kFloat ? FileType::f32 : FileType::bf16;
  if (header != header_of(weights.options(), type))
    throw Error(Code::checkpoint_mismatch, "the header is of another model", "", path.string());
  visit_in_order(weights, [&](const GptTensor& tensor) {
    const at::Tensor value = at::empty(tensor.shape, scalar_type(type));
    read(writable_bytes_of(value));
    weights.set(tensor, value);
    if (tensor.name == "wte.weight")
      place += static_cast<uint64_t>(header[7] - weights.options().vocab_size) * value.itemsize() *
               static_cast<uint64_t>(weights.options().n_embd);
  });
  if (place != file->size()) throw Error(Code::checkpoint_corrupt, "the file is longer than its tensors", "", path.string());
}

}  // namespace gptcore
