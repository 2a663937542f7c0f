#include "timing_tree.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace gptcore::console {
namespace {

constexpr std::string_view kPrefix = "time.";

Table times_in(const Record& record) {
  Table times;
  for (const auto& [key, value] : record.fields)
    if (key.starts_with(kPrefix) && value.is<double>()) times.emplace_back(key.substr(kPrefix.size()), value);
  return times;
}

// Returns the whole: the sum of the sections that lie in no other.
double whole_of(const Table& times) {
  double sum = 0;
  for (const auto& [path, ms] : times)
    if (path.find('.') == std::string::npos) sum += ms.as<double>();
  return sum;
}

std::string row(const std::string& path, double ms, double whole) {
  const auto depth = std::count(path.begin(), path.end(), '.') + 1;
  const std::string name = std::string(static_cast<size_t>(2 * depth), ' ') + path.substr(path.rfind('.') + 1);
  char text[128];
  std::snprintf(text, sizeof text, "%-26.80s%9.2f ms%7.1f %%", name.c_str(), ms, whole > 0 ? ms / whole * 100 : 0);
  return text;
}

}  // namespace

std::string TimingTree::take(const Record& record) {
  if (record.event == Event::stage_started) times_.clear();
  if (record.event == Event::step_ended)
    if (Table newest = times_in(record); !newest.empty()) times_ = std::move(newest);
  if (record.event != Event::stage_ended || times_.empty()) return {};
  const double whole = whole_of(times_);
  std::string tree = "time of an update (moving average):";
  for (const auto& [path, ms] : times_) tree += "\n" + row(path, ms.as<double>(), whole);
  times_.clear();
  return tree;
}

}  // namespace gptcore::console
