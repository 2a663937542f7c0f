#include "layer_names.h"

#include <fnmatch.h>

#include <algorithm>
#include <numeric>

#include "gptcore/error.h"

namespace gptcore::operations {
namespace {

constexpr std::string_view kBlocks = "blocks.";

std::vector<Layer> fitting(const ModelView& model, const std::string& pattern) {
  std::vector<Layer> all = model.layers();
  std::erase_if(all, [&](const Layer& layer) { return ::fnmatch(pattern.c_str(), layer.path.c_str(), 0) != 0; });
  return all;
}

// Levenshtein's distance.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

// What a layer may be called.
std::vector<std::string> names_of(const ModelView& model) {
  std::vector<std::string> names = {"lm_head"};
  for (const Layer& layer : model.layers()) {
    names.push_back(layer.path);
    if (layer.kind != LayerKind::block || !layer.path.starts_with(kBlocks)) continue;
    for (const char* part : {"attn", "mlp", "ln_1", "ln_2"})
      names.push_back(std::string(part) + "." + layer.path.substr(kBlocks.size()));
  }
  return names;
}

[[noreturn]] void refuse(const ModelView& model, std::string_view name) {
  const std::vector<std::string> names = names_of(model);
  const auto apart = [&](const std::string& other) {
    const auto [end, end_of_other] = std::mismatch(name.begin(), name.end(), other.begin(), other.end());
    return std::pair(distance(name, other), name.end() - end);  // of equally near ones, that which begins alike
  };
  const std::string& best = *std::min_element(names.begin(), names.end(),
                                              [&](const std::string& a, const std::string& b) { return apart(a) < apart(b); });
  const bool near = distance(name, best) <= std::max<size_t>(1, name.size() / 3);
  throw Error(Code::unknown_name, "no layer fits '" + std::string(name) + "'",
              near ? "did you mean '" + best + "'?" : "gptcore summary lists them");
}

}  // namespace

std::string full_pattern(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || name.find('.', dot + 1) != std::string_view::npos) return std::string(name);
  const std::string part(name.substr(0, dot)), path = std::string(kBlocks) + std::string(name.substr(dot + 1)) + "." + part;
  if (part == "attn" || part == "mlp") return path + ".*";
  return part == "ln_1" || part == "ln_2" ? path : std::string(name);
}

std::vector<Layer> layers_named(const ModelView& model, std::string_view name) {
  std::vector<Layer> found = fitting(model, full_pattern(name));
  if (found.empty() && name == "lm_head") found = fitting(model, "wte");
  if (found.empty()) refuse(model, name);
  return found;
}

std::vector<Layer> layers_of_any_block(const ModelView& model, std::string_view name) {
  std::string pattern = full_pattern(name);
  if (pattern.starts_with(kBlocks)) {
    const size_t digits = pattern.find_first_not_of("0123456789", kBlocks.size());
    const size_t end = std::min(digits, pattern.size());
    if (end > kBlocks.size()) pattern.replace(kBlocks.size(), end - kBlocks.size(), "*");
  }
  if (pattern == "lm_head" && fitting(model, pattern).empty()) pattern = "wte";
  std::vector<Layer> found = fitting(model, pattern);
  if (found.empty()) refuse(model, name);
  return found;
}

}  // namespace gptcore::operations
