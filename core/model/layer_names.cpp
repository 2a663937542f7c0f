#include "core/model/layer_names.h"

#include <charconv>

namespace gptcore {
namespace {

constexpr std::string_view kBlocks = "blocks.";

}  // namespace

std::optional<InBlock> in_block(std::string_view name) {
  if (!name.starts_with(kBlocks)) return std::nullopt;
  const char *begin = name.data() + kBlocks.size(), *end = name.data() + name.size();
  InBlock found;
  const auto [stop, failure] = std::from_chars(begin, end, found.index);
  if (failure != std::errc() || (stop != end && *stop != '.')) return std::nullopt;
  found.rest.assign(stop, end);
  return found;
}

std::string block_path(int64_t index) {
  return std::string(kBlocks) + std::to_string(index);
}

std::vector<std::string> arranged_names(const std::string& name, const std::vector<int64_t>& sources) {
  const auto place = in_block(name);
  if (!place) return {name};
  std::vector<std::string> names;
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i] == place->index) names.push_back(block_path(static_cast<int64_t>(i)) + place->rest);
  return names;
}

bool belongs(std::string_view name, std::string_view path) {
  return name.size() > path.size() && name.starts_with(path) && name[path.size()] == '.';
}

}  // namespace gptcore
