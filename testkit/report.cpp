#include <cstring>

#include "gptcore/testing.h"

namespace gptcore::testing {
namespace {

const at::Tensor& named(const std::map<std::string, at::Tensor>& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found != tensors.end()) return found->second;
  std::string known;
  for (const auto& entry : tensors) known += (known.empty() ? "" : ", ") + entry.first;
  throw Error(Code::unknown_name, "the run has no parameter '" + name + "'",
              known.empty() ? "it failed" : "there are " + known);
}

}  // namespace

at::Tensor Report::tensor(const std::string& name) const {
  return named(final_, name);
}

at::Tensor Report::initial(const std::string& name) const {
  return named(initial_, name);
}

std::vector<std::string> Report::names() const {
  std::vector<std::string> all;
  for (const auto& entry : final_) all.push_back(entry.first);
  return all;
}

bool Report::unchanged(const std::string& name) const {
  const at::Tensor before = initial(name), after = tensor(name);
  return before.sizes() == after.sizes() && std::memcmp(before.const_data_ptr(), after.const_data_ptr(), after.nbytes()) == 0;
}

const Value& Report::setting(const std::string& key) const {
  const Value* value = find(settings_, key);
  if (!value) throw Error(Code::unknown_name, "a train stage has no key '" + key + "'", "see gptcore config explain");
  return *value;
}

}  // namespace gptcore::testing
