// Suggestions for misspelt names ("did you mean ...?").
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace gptcore {

// Returns the candidate that differs by the fewest typing errors (insert, delete, replace, swap of neighbours), at most a third
// of the word's length, else the shortest candidate that begins with the word. Case is ignored, and '-' equals '_'.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& candidates);
// Returns "did you mean 'rank'?", or `otherwise` when no candidate is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise = {});
// Returns the names as "a, b, c" for hints; a long list is shortened.
std::string listed(const std::vector<std::string>& names);

}  // namespace gptcore
