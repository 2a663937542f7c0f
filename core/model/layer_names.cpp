#include "core/model/layer_names.h"

#include <charconv>

#include "gptcore/draft/model_edit.h"

namespace gptcore {
namespace {

constexpr std::string_view kBlocks = "blocks.";

// Returns the names of `rest` in each block i where sources[i] is `source`.
std::vector<std::string> names_of(int64_t source, const std::string& rest, const std::vector<int64_t>& sources) {
  std::vector<std::string> names;
  for (size_t i = 0; i < sources.size(); ++i)
    if (sources[i] == source) names.push_back(block_path(static_cast<int64_t>(i)) + rest);
  return names;
}

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
  return place ? names_of(place->index, place->rest, sources) : std::vector<std::string>{name};
}

std::vector<std::string> names_in_new_blocks(const std::string& name, const std::vector<int64_t>& sources) {
  const auto place = in_block(name);
  return place && place->index == 0 ? names_of(kNewBlock, place->rest, sources) : std::vector<std::string>{};
}

bool belongs(std::string_view name, std::string_view path) {
  return name.size() > path.size() && name.starts_with(path) && name[path.size()] == '.';
}

}  // namespace gptcore
