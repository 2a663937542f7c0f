#include "values.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <nlohmann/json.hpp>

#include "gptcore/error.h"

namespace gptcore::datasets {
namespace {

using arrow::Type;
using Json = nlohmann::ordered_json;

Json value_at(const arrow::Array& array, int64_t row);

template <class List> Json list_at(const arrow::Array& array, int64_t row) {
  const auto& lists = static_cast<const List&>(array);
  Json out = Json::array();
  for (int64_t i = lists.value_offset(row); i < lists.value_offset(row) + lists.value_length(row); ++i)
    out.push_back(value_at(*lists.values(), i));
  return out;
}

template <class Numbers> Json number_at(const arrow::Array& array, int64_t row) {
  return Json(static_cast<const Numbers&>(array).Value(row));
}

Json struct_at(const arrow::Array& array, int64_t row) {
  const auto& all = static_cast<const arrow::StructArray&>(array);
  Json out = Json::object();
  for (int f = 0; f < all.num_fields(); ++f) out[all.struct_type()->field(f)->name()] = value_at(*all.field(f), row);
  return out;
}

Json value_at(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return nullptr;
  if (is_text(*array.type())) return std::string(text_at(array, row));
  switch (array.type_id()) {
    case Type::BOOL:
      return number_at<arrow::BooleanArray>(array, row);
    case Type::INT8:
      return number_at<arrow::Int8Array>(array, row);
    case Type::UINT8:
      return number_at<arrow::UInt8Array>(array, row);
    case Type::INT16:
      return number_at<arrow::Int16Array>(array, row);
    case Type::UINT16:
      return number_at<arrow::UInt16Array>(array, row);
    case Type::INT32:
      return number_at<arrow::Int32Array>(array, row);
    case Type::UINT32:
      return number_at<arrow::UInt32Array>(array, row);
    case Type::INT64:
      return number_at<arrow::Int64Array>(array, row);
    case Type::UINT64:
      return number_at<arrow::UInt64Array>(array, row);
    case Type::FLOAT:
      return number_at<arrow::FloatArray>(array, row);
    case Type::DOUBLE:
      return number_at<arrow::DoubleArray>(array, row);
    case Type::LIST:
      return list_at<arrow::ListArray>(array, row);
    case Type::LARGE_LIST:
      return list_at<arrow::LargeListArray>(array, row);
    case Type::STRUCT:
      return struct_at(array, row);
    default:
      throw Error(Code::data_corrupt, "a column holds " + array.type()->ToString() + ", which is not read",
                  "texts, numbers, booleans, lists and structs of them are");
  }
}

}  // namespace

bool is_text(const arrow::DataType& type) {
  if (type.id() == Type::DICTIONARY) return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
  return type.id() == Type::STRING || type.id() == Type::LARGE_STRING || type.id() == Type::BINARY ||
         type.id() == Type::LARGE_BINARY;
}

std::string_view text_at(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return {};
  if (array.type_id() == Type::DICTIONARY) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
    return text_at(*coded.dictionary(), coded.GetValueIndex(row));
  }
  const bool large = array.type_id() == Type::LARGE_STRING || array.type_id() == Type::LARGE_BINARY;
  return large ? static_cast<const arrow::LargeBinaryArray&>(array).GetView(row)
               : static_cast<const arrow::BinaryArray&>(array).GetView(row);
}

std::string object_at(const arrow::RecordBatch& batch, int64_t row) {
  Json out = Json::object();
  for (int c = 0; c < batch.num_columns(); ++c) out[batch.column_name(c)] = value_at(*batch.column(c), row);
  try {
    return out.dump();
  } catch (const Json::type_error&) {
    throw Error(Code::data_corrupt, "a text of the row is not UTF-8", "convert the file to UTF-8");
  }
}

}  // namespace gptcore::datasets
