#include "core/model/vocabulary.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <unordered_map>

#include "core/model/gpt.h"
#include "gptcore/draft/shown_vocabulary.h"

namespace gptcore {

at::Tensor new_rows(const at::Tensor& table, int64_t count, const NewRows& rule, const std::string& name, uint64_t seed) {
  const at::NoGradGuard no_grad;
  const at::Tensor noise = at::zeros({count, table.size(1)}, at::kFloat);
  if (count > 0 && rule.noise > 0) init_parameters({{name, noise, {rule.noise, 0}}}, seed);
  return noise.to(table.device()) + (rule.source >= 0 ? table[rule.source] : table.mean(0));
}

int64_t count_new(const std::vector<int64_t>& rows) {
  return std::count(rows.begin(), rows.end(), -1);
}

at::Tensor arranged_rows(const at::Tensor& table, const std::vector<int64_t>& rows, const at::Tensor& added) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> from = rows;
  int64_t next = table.size(0);
  for (int64_t& row : from)
    if (row < 0) row = next++;
  const at::Tensor all = added.size(0) > 0 ? at::cat({table, added}) : table;
  return all.index_select(0, at::tensor(from, at::kLong).to(table.device()));
}

std::vector<int32_t> shown_ids(Dataset* dataset) {
  auto* const shown = dataset ? extension_of<ShownVocabulary>(*dataset) : nullptr;
  if (!shown) return {};
  const std::span<const int32_t> ids = shown->shown_ids();
  return {ids.begin(), ids.end()};
}

std::vector<int64_t> tokens_of_rows(std::span<const int32_t> shown, int64_t rows) {
  std::unordered_map<int64_t, int64_t> number_of;
  for (size_t number = 0; number < shown.size(); ++number) number_of.emplace(shown[number], static_cast<int64_t>(number));
  std::vector<int64_t> tokens(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t token = row;
    if (row < static_cast<int64_t>(shown.size())) {
      token = shown[static_cast<size_t>(row)];
    } else {
      for (auto at = number_of.find(token); at != number_of.end(); at = number_of.find(token)) token = at->second;
    }
    tokens[static_cast<size_t>(row)] = token;
  }
  return tokens;
}

std::vector<int64_t> rows_of_tokens(const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
  std::unordered_map<int64_t, int64_t> row_of;
  for (size_t row = 0; row < from.size(); ++row) row_of.emplace(from[row], static_cast<int64_t>(row));
  std::vector<int64_t> rows;
  rows.reserve(to.size());
  for (const int64_t token : to) {
    const auto found = row_of.find(token);
    rows.push_back(found == row_of.end() ? -1 : found->second);
  }
  return rows;
}

bool in_place(const std::vector<int64_t>& rows) {
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != static_cast<int64_t>(i)) return false;
  return true;
}

}  // namespace gptcore
