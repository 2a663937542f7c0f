#include "gptcore/draft/layer_names.h"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>

#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

constexpr std::string_view kBlocks = "blocks.";

std::vector<Layer> matching(const std::vector<Layer>& layers, const std::string& pattern) {
  std::vector<Layer> found;
  std::copy_if(layers.begin(), layers.end(), std::back_inserter(found),
               [&](const Layer& layer) { return ::fnmatch(pattern.c_str(), layer.path.c_str(), 0) == 0; });
  return found;
}

// Returns the names that layers may be called by.
std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names = {"lm_head"};
  for (const Layer& layer : layers) {
    names.push_back(layer.path);
    if (layer.kind != LayerKind::block || !layer.path.starts_with(kBlocks)) continue;
    for (const char* part : {"attn", "mlp", "ln_1", "ln_2"})
      names.push_back(std::string(part) + "." + layer.path.substr(kBlocks.size()));
  }
  return names;
}

// Returns the block's number after "blocks.", or -1.
int64_t block_of(std::string_view path) {
  if (!path.starts_with(kBlocks)) return -1;
  path.remove_prefix(kBlocks.size());
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(path.data(), path.data() + path.size(), number);
  const bool whole = failure == std::errc() && (end == path.data() + path.size() || *end == '.');
  return whole && number >= 0 ? number : -1;
}

std::vector<Layer> not_empty(std::vector<Layer> found, const std::vector<Layer>& layers, std::string_view name) {
  if (!found.empty()) return found;
  throw Error(Code::unknown_name, "no layer fits '" + std::string(name) + "'", hint_for_layer(layers, name));
}

}  // namespace

std::string full_pattern(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || name.find('.', dot + 1) != std::string_view::npos) return std::string(name);
  const std::string part(name.substr(0, dot)), path = std::string(kBlocks) + std::string(name.substr(dot + 1)) + "." + part;
  if (part == "attn" || part == "mlp") return path + ".*";
  return part == "ln_1" || part == "ln_2" ? path : std::string(name);
}

std::vector<Layer> layers_fitting(const std::vector<Layer>& layers, std::string_view name) {
  std::vector<Layer> found = matching(layers, full_pattern(name));
  return found.empty() && name == "lm_head" ? matching(layers, "wte") : found;
}

std::string hint_for_layer(const std::vector<Layer>& layers, std::string_view name) {
  int64_t blocks = 0;
  for (const Layer& layer : layers) blocks = std::max(blocks, block_of(layer.path) + 1);
  if (blocks > 0 && block_of(full_pattern(name)) >= blocks)
    return blocks == 1 ? "the model has 1 block, 0"
                       : "the model has " + std::to_string(blocks) + " blocks, 0 to " + std::to_string(blocks - 1);
  return did_you_mean(std::string(name), names_of(layers), "gptcore summary lists them");
}

std::vector<Layer> layers_named(const std::vector<Layer>& layers, std::string_view name) {
  return not_empty(layers_fitting(layers, name), layers, name);
}

std::vector<Layer> layers_of_any_block(const std::vector<Layer>& layers, std::string_view name) {
  std::string pattern = full_pattern(name);
  if (pattern.starts_with(kBlocks)) {
    const size_t end = std::min(pattern.find_first_not_of("0123456789", kBlocks.size()), pattern.size());
    if (end > kBlocks.size()) pattern.replace(kBlocks.size(), end - kBlocks.size(), "*");
  }
  return not_empty(layers_fitting(layers, pattern), layers, name);
}

}  // namespace gptcore
