#include "core/distributed/agreement.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <cstring>
#include <string>

namespace gptcore {
namespace {

// Message, hint and place of an error, each with a 0 at its end.
std::string packed(const Error& e) {
  return std::string(e.what()) + '\0' + e.hint() + '\0' + e.where() + '\0';
}

Error unpacked(Code code, const std::string& text) {
  const size_t hint = text.find('\0') + 1, where = text.find('\0', hint) + 1;
  return {code, text.substr(0, hint - 1), text.substr(hint, where - 1 - hint), text.substr(where, text.size() - 1 - where)};
}

int64_t from_rank(ProcessGroup& group, at::Device device, int64_t root, int64_t number) {
  at::Tensor shared = at::full({1}, number, at::TensorOptions(device).dtype(at::kLong));
  group.broadcast(shared, root);
  return shared.item<int64_t>();
}

std::string from_rank(ProcessGroup& group, at::Device device, int64_t root, std::string text) {
  const int64_t size = from_rank(group, device, root, static_cast<int64_t>(text.size()));
  text.resize(static_cast<size_t>(size));
  at::Tensor bytes = at::empty({size}, at::kByte);
  std::memcpy(bytes.mutable_data_ptr(), text.data(), text.size());
  at::Tensor shared = bytes.to(device);
  group.broadcast(shared, root);
  bytes = shared.to(at::kCPU);
  std::memcpy(text.data(), bytes.const_data_ptr(), text.size());
  return text;
}

}  // namespace

std::optional<Error> failure_of_any(ProcessGroup& group, at::Device device, const std::optional<Error>& own) {
  if (group.size() == 1) return own;
  const double place = own ? static_cast<double>(group.size() - group.rank()) : 0;
  const auto first = static_cast<int64_t>(largest(group, device, place));
  if (first == 0) return std::nullopt;
  const int64_t root = group.size() - first;
  const int64_t code = from_rank(group, device, root, own ? static_cast<int64_t>(own->code()) : 0);
  const std::string text = from_rank(group, device, root, own ? packed(*own) : std::string());
  return own ? *own : unpacked(static_cast<Code>(code), text);
}

}  // namespace gptcore
