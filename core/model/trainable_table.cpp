#include "core/model/trainable_table.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "core/base/text.h"

namespace gptcore {
namespace {

// "blocks.3.attn.qkv.weight" is "blocks." + 3 + ".attn.qkv.weight"; a name without a number is all `before`.
struct Name {
  std::string before, after;
  int64_t index = -1;
};

Name split(const std::string& name) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t begin = 0; begin != std::string::npos && begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (!part.empty() && part.size() < 10 && std::all_of(part.begin(), part.end(), is_digit))
      return {name.substr(0, begin), name.substr(end), std::stoll(part)};
    begin = end + 1;
  }
  return {name, "", -1};
}

// Parameters that are equal but for their index.
struct Group {
  Name name;
  std::vector<int64_t> indices, shape;
  int64_t count = 0;  // of all together
  bool trained = false;

  bool holds(const Name& n, const Parameter& p) const {
    return n.index >= 0 && name.index >= 0 && n.before == name.before && n.after == name.after &&
           trained == p.tensor.requires_grad() && shape == p.tensor.sizes().vec();
  }
};

std::vector<Group> groups_of(const std::vector<Parameter>& parameters) {
  std::vector<Group> groups;
  for (const Parameter& p : parameters) {
    const Name name = split(p.name);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.holds(name, p); });
    if (group == groups.end()) group = groups.insert(group, {name, {}, p.tensor.sizes().vec(), 0, p.tensor.requires_grad()});
    group->indices.push_back(name.index);
    group->count += p.tensor.numel();
  }
  return groups;
}

// {0, 1, 2, 5} -> "0..2,5"
std::string ranges(std::vector<int64_t> indices) {
  std::sort(indices.begin(), indices.end());
  std::string text;
  for (size_t i = 0, last = 0; i < indices.size(); i = last + 1) {
    last = i;
    while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(indices[i]);
    if (last > i) text += ".." + std::to_string(indices[last]);
  }
  return text;
}

std::string shapes_of(const Group& group) {
  return (group.indices.size() > 1 ? std::to_string(group.indices.size()) + " x " : "") + shape_text(group.shape);
}

// Returns the state, trained or not, whose parameters share one row: rows that say the same of most parameters would hide the
// few that differ.
std::optional<bool> told_together(const std::vector<Group>& groups) {
  constexpr std::ptrdiff_t kListed = 3;
  const auto trained = std::count_if(groups.begin(), groups.end(), [](const Group& g) { return g.trained; });
  const auto frozen = static_cast<std::ptrdiff_t>(groups.size()) - trained;
  if (std::min(trained, frozen) == 0 || std::max(trained, frozen) <= kListed || trained == frozen) return std::nullopt;
  return trained > frozen;
}

std::string total_line(int64_t trained, int64_t total) {
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.2f", total ? 100 * static_cast<double>(trained) / static_cast<double>(total) : 0.0);
  return grouped(trained) + " of " + grouped(total) + " parameters are trained (" + percent + " %)";
}

}  // namespace

std::vector<std::string> trainable_table(const std::vector<Parameter>& parameters) {
  struct Row {
    std::string name, shape, count, state;
  };
  std::vector<Row> rows;
  int64_t total = 0, trained = 0;
  size_t name_width = 0, shape_width = 0, count_width = 0;
  const std::vector<Group> groups = groups_of(parameters);
  const std::optional<bool> together = told_together(groups);
  int64_t others = 0, others_count = 0;
  for (const Group& g : groups) {
    total += g.count;
    if (g.trained) trained += g.count;
    if (g.trained == together) {
      others += static_cast<int64_t>(g.indices.size());
      others_count += g.count;
      continue;
    }
    const std::string name = g.name.index < 0 ? g.name.before : g.name.before + ranges(g.indices) + g.name.after;
    rows.push_back({name, shapes_of(g), grouped(g.count), g.trained ? "trained" : "frozen"});
    name_width = std::max(name_width, name.size());
    shape_width = std::max(shape_width, rows.back().shape.size());
    count_width = std::max(count_width, rows.back().count.size());
  }
  if (together) {
    rows.push_back({std::to_string(others) + " others", "", grouped(others_count), *together ? "trained" : "frozen"});
    name_width = std::max(name_width, rows.back().name.size());
    count_width = std::max(count_width, rows.back().count.size());
  }
  std::vector<std::string> lines;
  for (const Row& r : rows)
    lines.push_back(r.name + std::string(name_width - r.name.size() + 2, ' ') + r.shape +
                    std::string(shape_width - r.shape.size() + 2 + count_width - r.count.size(), ' ') + r.count + "  " +
                    r.state);
  lines.push_back(total_line(trained, total));
  return lines;
}

}  // namespace gptcore
