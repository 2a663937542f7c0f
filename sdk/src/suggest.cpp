#include "gptcore/suggest.h"

#include <algorithm>
#include <array>

namespace gptcore {
namespace {

std::string folded(const std::string& text) {
  std::string out = text;
  for (char& c : out) {
    if (c == '-') c = '_';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Returns the Damerau-Levenshtein distance in its restricted form: a swapped pair is not edited again.
size_t distance(const std::string& a, const std::string& b) {
  std::array<std::vector<size_t>, 3> rows;  // two above, above, current
  for (auto& row : rows) row.resize(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) rows[2][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::rotate(rows.begin(), rows.begin() + 1, rows.end());
    rows[2][0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = rows[1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[2][j] = std::min({rows[1][j] + 1, rows[2][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) rows[2][j] = std::min(rows[2][j], rows[0][j - 2] + 1);
    }
  }
  return rows[2][b.size()];
}

size_t common_prefix(const std::string& a, const std::string& b) {
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin()).first -
      a.begin());
}

}  // namespace

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 100;
  if (word.empty() || word.size() > kLongest) return std::nullopt;
  const std::string wanted = folded(word);
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(1, word.size() / 3);
  size_t best_prefix = 0;
  for (const std::string& candidate : candidates) {
    const std::string name = folded(candidate);
    const size_t edits = distance(wanted, name);
    if (edits > best_distance || edits >= std::max(wanted.size(), name.size())) continue;  // nothing in common
    const size_t prefix = common_prefix(wanted, name);
    if (best && edits == best_distance && prefix <= best_prefix) continue;
    best = &candidate;
    best_distance = edits;
    best_prefix = prefix;
  }
  if (best) return *best;
  for (const std::string& candidate : candidates)
    if (wanted.size() > 1 && folded(candidate).starts_with(wanted) && (!best || candidate.size() < best->size()))
      best = &candidate;
  return best ? std::optional(*best) : std::nullopt;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates, const std::string& otherwise) {
  const auto name = nearest(word, candidates);
  return name ? "did you mean '" + *name + "'?" : otherwise;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 12;
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kMost); ++i) out += (i ? ", " : "") + names[i];
  return names.size() > kMost ? out + ", ..." : out;
}

}  // namespace gptcore
