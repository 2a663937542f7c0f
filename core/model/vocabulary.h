// Maps the rows of an embedding or head to tokens, and initialises rows when a vocabulary gets new tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gptcore/dataset.h"

namespace gptcore {

// A file beside weights whose rows are those of shown_ids(); it holds these ids.
inline constexpr const char* kVocabularyFile = "vocabulary.json";

struct NewRows {
  int64_t source = -1;  // the row that is copied; -1 = the mean of all rows
  double noise = 0.01;  // standard deviation of the noise that is added
};

// Returns (count, C) on the table's device. `table` (V, C) has the rows of the existing tokens. Draws the noise from the stream
// of (seed, name).
at::Tensor new_rows(const at::Tensor& table, int64_t count, const NewRows& rule, const std::string& name, uint64_t seed);

// Returns how many of `rows` are -1, which is no row of the table.
int64_t count_new(const std::vector<int64_t>& rows);

// Returns (rows.size(), C): row i is row rows[i] of the table or, when that is -1, the next one of `added` (count_new(rows),
// C).
at::Tensor arranged_rows(const at::Tensor& table, const std::vector<int64_t>& rows, const at::Tensor& added);

// Returns the tokenizer's ids that a dataset shows as the numbers 0, 1, ... (see ShownVocabulary), or none when it shows the
// ids themselves. The dataset may be null.
std::vector<int32_t> shown_ids(Dataset* dataset);

// Returns the token of each row. The first rows are those of the shown ids. Each other row is that of the token of its number
// or, when that token is shown, of the token whose own row the shown one took. `shown` names no token twice.
std::vector<int64_t> tokens_of_rows(std::span<const int32_t> shown, int64_t rows);

// Returns for each token of `to` its row in `from`, or -1 when it has none.
std::vector<int64_t> rows_of_tokens(const std::vector<int64_t>& from, const std::vector<int64_t>& to);

// Returns whether every row i comes from row i.
bool in_place(const std::vector<int64_t>& rows);

}  // namespace gptcore
