// Documents and conversations in Parquet files. Built where Arrow is: ./dev parquet.
#include "../documents/chat_mixture.h"
#include "../documents/corpus_dataset.h"
#include "gptcore/plugin.h"
#include "row_reader.h"

namespace {

using namespace gptcore;
using namespace gptcore::datasets;

class Parquet final : public CorpusDataset {
 public:
  static void schema(Schema<Parquet>& s) {
    add_schema(s);
    s.param("column", &Parquet::column_, "column that holds the documents");
  }

 protected:
  std::unique_ptr<RecordReader> records(const std::string& file) const override { return open_texts(file, column_); }
  std::vector<std::string> endings() const override { return {".parquet"}; }
  Document parse(std::string_view record) const override { return {{std::string(record), std::nullopt, true}}; }
  std::string options() const override { return "column '" + column_ + "'"; }
  const char* name() const override { return "parquet"; }

 private:
  std::string column_ = "text";
};

class ParquetChat final : public ChatMixture {
 public:
  static void schema(Schema<ParquetChat>& s) { add_schema(s); }

 protected:
  std::unique_ptr<RecordReader> records(const std::string& file) const override {
    return open_objects(file, {"messages", "question", "choices", "answer"});
  }
  std::vector<std::string> endings() const override { return {".parquet"}; }
  const char* name() const override { return "parquet_chat"; }
};

void setup(Registrar& r) {
  r.dataset<Parquet>("parquet", "a column of texts in Parquet files, a document a row");
  r.dataset<ParquetChat>("parquet_chat", "conversations in Parquet files, in the shapes of SmolTalk, MMLU and GSM8K");
}

}  // namespace

GPTCORE_PLUGIN("parquet", GPTCORE_VERSION, setup)
