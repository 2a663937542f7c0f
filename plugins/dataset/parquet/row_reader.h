// The rows of a Parquet file, batch by batch. Errors: Error(data_missing), Error(data_corrupt) when the file is damaged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/data/corpus/record_reader.h"

namespace gptcore::datasets {

// The texts of a column; a missing one is an empty record. Throws Error(conflict) when there is no such column of texts, naming
// those that there are.
std::unique_ptr<RecordReader> open_texts(const std::string& file, const std::string& column);
// Each row as an object in JSON, of those of the columns that the file has. Throws Error(conflict) when it has none of them.
std::unique_ptr<RecordReader> open_objects(const std::string& file, const std::vector<std::string>& columns);

}  // namespace gptcore::datasets
