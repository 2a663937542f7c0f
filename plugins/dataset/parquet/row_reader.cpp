#include "row_reader.h"

#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>
#include <optional>

#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"
#include "values.h"

namespace gptcore::datasets {
namespace {

constexpr int64_t kRowsAtOnce = 1024;
constexpr size_t kLongestList = 300;  // of names in a hint

int64_t size_of(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0)
    throw Error(Code::data_missing, std::string("cannot open the file: ") + std::strerror(errno), "check the path", file);
  return info.st_size;
}

void refuse_pointer(const std::string& file) {
  std::string start(kLfsPointerStart, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  refuse_lfs_pointer(start, Code::data_missing, file);
}

// Reads the named columns of a file as record batches.
class BatchReader {
 public:
  explicit BatchReader(const std::string& file) : file_(file), bytes_(size_of(file)) {
    parquet::ReaderProperties how;
    how.enable_buffered_stream();
    how.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties batches;
    batches.set_batch_size(kRowsAtOnce);
    batches.set_pre_buffer(false);
    refuse_pointer(file);
    guarded([&] {
      parquet::arrow::FileReaderBuilder builder;
      good(builder.OpenFile(file, /*memory_map=*/false, how));
      good(builder.properties(batches)->Build(&reader_));
      good(reader_->GetSchema(&schema_));
    });
  }

  const arrow::Schema& schema() const { return *schema_; }
  int64_t bytes() const { return bytes_; }
  int64_t rows() const { return reader_->parquet_reader()->metadata()->num_rows(); }

  void choose(const std::vector<std::string>& columns) {
    guarded([&] {
      std::vector<int> groups(static_cast<size_t>(reader_->num_row_groups())), leaves;
      std::iota(groups.begin(), groups.end(), 0);
      const parquet::SchemaDescriptor& all = *reader_->parquet_reader()->metadata()->schema();
      for (int leaf = 0; leaf < all.num_columns(); ++leaf)
        if (std::count(columns.begin(), columns.end(), all.GetColumnRoot(leaf)->name()) > 0) leaves.push_back(leaf);
      auto found = reader_->GetRecordBatchReader(groups, leaves);
      good(found.status());
      batches_ = std::move(*found);
    });
  }
  // Returns null after the last batch. `row` is the number of rows before the batch.
  std::shared_ptr<arrow::RecordBatch> next(int64_t row) {
    std::shared_ptr<arrow::RecordBatch> batch;
    guarded([&] { good(batches_->ReadNext(&batch)); }, row);
    return batch;
  }

 private:
  static void good(const arrow::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.message());
  }
  // Turns Arrow's exceptions into errors that a user can act on.
  template <class F> void guarded(F&& work, std::optional<int64_t> row = {}) {
    try {
      work();
    } catch (const std::exception& e) {
      std::string what = e.what();
      if (const size_t end = what.find('\n'); end != std::string::npos) what.resize(end);
      throw Error(Code::data_corrupt, "not a whole Parquet file: " + what, "download or make it again",
                  row ? file_ + ":" + std::to_string(*row + 1) : file_);
    }
  }

  std::string file_;
  int64_t bytes_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

class RowReader : public RecordReader {
 public:
  explicit RowReader(const std::string& file) : file_(file), reader_(file) {}
  bool next(std::string& out) override {
    while (!batch_ || at_ == batch_->num_rows()) {
      batch_ = reader_.next(row_);
      at_ = 0;
      if (!batch_) return false;
    }
    ++row_;
    const size_t before = out.size();
    append(*batch_, at_++, out);
    if (out.size() - before > kLongest)
      throw Error(Code::data_corrupt,
                  "the text is longer than " + std::to_string(kLongest >> 20) + " MiB, the most that is read",
                  "split the document", place());
    return true;
  }
  int64_t number() const override { return row_; }
  int64_t position() const override {
    const double share = reader_.rows() == 0 ? 1 : static_cast<double>(row_) / static_cast<double>(reader_.rows());
    return static_cast<int64_t>(static_cast<double>(reader_.bytes()) * share);
  }

 protected:
  virtual void append(const arrow::RecordBatch& batch, int64_t row, std::string& out) const = 0;
  std::string place() const { return file_ + ":" + std::to_string(row_); }

  std::string file_;
  BatchReader reader_;

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t at_ = 0, row_ = 0;
};

// Returns the names of the columns that `wanted` holds for, for a hint.
template <class F> std::string names_of(const arrow::Schema& schema, F&& wanted) {
  std::string names;
  for (const auto& field : schema.fields())
    if (wanted(*field) && names.size() < kLongestList) names += (names.empty() ? "'" : ", '") + field->name() + "'";
  return names;
}

class TextReader final : public RowReader {
 public:
  TextReader(const std::string& file, const std::string& column) : RowReader(file) {
    const auto field = reader_.schema().GetFieldByName(column);
    const auto holds_text = [](const arrow::Field& f) { return is_text(*f.type()); };
    if (!field || !holds_text(*field)) {
      const std::string names = names_of(reader_.schema(), holds_text);
      throw Error(Code::conflict,
                  field ? "the column '" + column + "' holds " + field->type()->ToString() + ", not texts"
                        : "the file has no column '" + column + "'",
                  names.empty() ? "it has no column of texts" : "it has " + names + ": see dataset.column", file);
    }
    reader_.choose({column});
  }

 protected:
  void append(const arrow::RecordBatch& batch, int64_t row, std::string& out) const override {
    out += text_at(*batch.column(0), row);
  }
};

class ObjectReader final : public RowReader {
 public:
  ObjectReader(const std::string& file, const std::vector<std::string>& columns) : RowReader(file) {
    std::vector<std::string> found;
    for (const std::string& column : columns)
      if (reader_.schema().GetFieldByName(column)) found.push_back(column);
    if (found.empty()) {
      std::string wanted;
      for (const std::string& column : columns) wanted += (wanted.empty() ? "'" : ", '") + column + "'";
      throw Error(Code::conflict, "the file has none of the columns " + wanted,
                  "it has " + names_of(reader_.schema(), [](const arrow::Field&) { return true; }), file);
    }
    reader_.choose(found);
  }

 protected:
  void append(const arrow::RecordBatch& batch, int64_t row, std::string& out) const override {
    try {
      out += object_at(batch, row);
    } catch (const Error& e) {
      throw Error(e.code(), e.what(), e.hint(), place());
    }
  }
};

}  // namespace

std::unique_ptr<RecordReader> open_texts(const std::string& file, const std::string& column) {
  return std::make_unique<TextReader>(file, column);
}

std::unique_ptr<RecordReader> open_objects(const std::string& file, const std::vector<std::string>& columns) {
  return std::make_unique<ObjectReader>(file, columns);
}

}  // namespace gptcore::datasets
