// The rows of an embedding or head: which tokens they are of, and how they start when a vocabulary gets new tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gptcore/dataset.h"

namespace gptcore {

// Beside weights whose rows are of shown_ids(): these ids.
inline constexpr const char* kVocabularyFile = "vocabulary.json";

struct NewRows {
  int64_t source = -1;  // the row that is copied; -1 = the mean of all rows
  double noise = 0.01;  // standard deviation of what is added
};

// (count, C), on the table's device. `table` (V, C) has the rows of the tokens there are. The noise is drawn from the stream
// of (seed, name).
at::Tensor new_rows(const at::Tensor& table, int64_t count, const NewRows& rule, const std::string& name, uint64_t seed);

// How many of `rows` are -1: of no row of the table.
int64_t count_new(const std::vector<int64_t>& rows);

// (rows.size(), C): row i is row rows[i] of the table or, where that is -1, the next one of `added` (count_new(rows), C).
at::Tensor arranged_rows(const at::Tensor& table, const std::vector<int64_t>& rows, const at::Tensor& added);

// The tokenizer's ids that a dataset shows by the numbers 0, 1, ... (see ShownVocabulary); none when it shows the ids
// themselves. The dataset may be null.
std::vector<int32_t> shown_ids(Dataset* dataset);

// The token that each of the rows is of. The first are of the shown ids; each of the others is of the token of its number or,
// where that token is shown, of the one that has lost its own row to it. `shown` names no token twice.
std::vector<int64_t> tokens_of_rows(std::span<const int32_t> shown, int64_t rows);

// For each token of `to` its row in `from`; -1 = it has none.
std::vector<int64_t> rows_of_tokens(const std::vector<int64_t>& from, const std::vector<int64_t>& to);

// Whether row i comes from row i, for all of them.
bool in_place(const std::vector<int64_t>& rows);

}  // namespace gptcore
