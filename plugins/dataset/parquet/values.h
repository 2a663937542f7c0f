// Reads values of Arrow's arrays.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace arrow {
class Array;
class DataType;
class RecordBatch;
}  // namespace arrow

namespace gptcore::datasets {

// Returns whether the type is strings, or a dictionary of them.
bool is_text(const arrow::DataType& type);
// Returns the text in an array of such a type; "" when it is missing. Valid as long as the array.
std::string_view text_at(const arrow::Array& array, int64_t row);
// Returns {"column": value, ...} as JSON: texts, numbers, booleans, lists and structs of them. Throws Error(data_corrupt) for
// another type and for texts that are not UTF-8.
std::string object_at(const arrow::RecordBatch& batch, int64_t row);

}  // namespace gptcore::datasets
