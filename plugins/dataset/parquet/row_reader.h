// Reads the rows of a Parquet file, batch by batch. Throws Error(data_missing), or Error(data_corrupt) when the file is
// damaged.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/data/corpus/record_reader.h"

namespace gptcore::datasets {

// Reads the texts of a column; a missing one is an empty record. Throws Error(conflict), which names the columns of texts, when
// there is no such column.
std::unique_ptr<RecordReader> open_texts(const std::string& file, const std::string& column);
// Reads each row as a JSON object of those of the columns that the file has. Throws Error(conflict) when it has none of them.
std::unique_ptr<RecordReader> open_objects(const std::string& file, const std::vector<std::string>& columns);

}  // namespace gptcore::datasets
