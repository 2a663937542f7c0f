// Parquet files for tests.
#pragma once

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/json/reader.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <stdexcept>
#include <string>

namespace gptcore {

// The objects, one a line, as a table with checksummed pages of 512 bytes.
inline void write_parquet(const std::string& path, const std::string& json_lines, int64_t rows_a_group) {
  const auto good = [](const arrow::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  };
  const auto in = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(json_lines));
  const auto reader = arrow::json::TableReader::Make(arrow::default_memory_pool(), in, arrow::json::ReadOptions::Defaults(),
                                                     arrow::json::ParseOptions::Defaults());
  good(reader.status());
  const auto table = (*reader)->Read();
  good(table.status());
  const auto out = arrow::io::FileOutputStream::Open(path);
  good(out.status());
  parquet::WriterProperties::Builder how;
  how.enable_page_checksum()->data_pagesize(512)->write_batch_size(16)->disable_dictionary();
  good(parquet::arrow::WriteTable(**table, arrow::default_memory_pool(), *out, rows_a_group, how.build()));
  good((*out)->Close());
}

}  // namespace gptcore
