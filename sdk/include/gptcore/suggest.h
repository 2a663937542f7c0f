// "did you mean": the known name that a misspelt one most likely stands for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gptcore {

// The candidate within a third of the word's length in typing errors (insert, delete, replace, swap of neighbours), else
// the shortest that begins with the word. Case, '-' and '_' are equal.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates);
// "did you mean 'rank'?", or `otherwise` when nothing is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise = {});
// The names as "a, b, c", for hints; a long list is cut.
std::string listed(const std::vector<std::string>& names);

}  // namespace gptcore
