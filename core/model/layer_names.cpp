#include "core/model/layer_names.h"

#include <fnmatch.h>

#include <charconv>

#include "core/config/suggest.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr std::string_view kBlocks = "blocks.";

}  // namespace

std::string full_pattern(std::string_view pattern) {
  const size_t dot = pattern.find('.');
  if (dot == std::string_view::npos || pattern.find('.', dot + 1) != std::string_view::npos) return std::string(pattern);
  const std::string_view head = pattern.substr(0, dot);
  const std::string block = std::string(kBlocks) + std::string(pattern.substr(dot + 1)) + "." + std::string(head);
  if (head == "attn" || head == "mlp") return block + ".*";
  return head == "ln_1" || head == "ln_2" ? block : std::string(pattern);
}

std::vector<Layer> layers_matching(const std::vector<Layer>& layers, std::string_view pattern) {
  const std::string text(pattern);
  std::vector<Layer> found;
  for (const Layer& layer : layers)
    if (::fnmatch(text.c_str(), layer.path.c_str(), 0) == 0) found.push_back(layer);
  return found;
}

std::vector<Layer> layers_named(const std::vector<Layer>& layers, std::string_view pattern) {
  std::vector<Layer> found = layers_matching(layers, full_pattern(pattern));
  if (found.empty() && pattern == "lm_head") found = layers_matching(layers, "wte");
  if (!found.empty()) return found;
  std::vector<std::string> paths;
  for (const Layer& layer : layers) paths.push_back(layer.path);
  throw Error(Code::unknown_name, "no layer fits '" + std::string(pattern) + "'",
              did_you_mean(std::string(pattern), paths, "gptcore summary lists them"));
}

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
