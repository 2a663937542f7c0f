// The datasets parquet and parquet_chat: the same documents as from JSON Lines, and files that are not what they should be.
#include "built_in.h"
#include "chat_bytes.h"
#include "parquet_files.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// A folder with a.parquet, and its own cache.
struct Rows : TempFolder {
  std::string file() const { return (path / "a.parquet").string(); }
  // Of a document every fifth of which is missing.
  std::string write(int count, int64_t rows_a_group) const {
    std::string all, lines;
    for (int i = 0; i < count; ++i) {
      const std::string body = "document " + std::to_string(i) + std::string(static_cast<size_t>(i % 41), 'y');
      if (i % 5 != 3) all += body;
      lines += "{\"id\": " + std::to_string(i) + (i % 5 == 3 ? "" : ", \"body\": \"" + body + "\"") + "}\n";
    }
    write_parquet(file(), lines, rows_a_group);
    return all;
  }
  Table values(const std::string& column = "body") const {
    return {{"files", List{file()}}, {"column", column}, {"val_fraction", 0.0}, {"cache", (path / "cache").string()}};
  }
  // The first window of conversations.
  Row chat(const char* use, const std::string& from) const {
    SilentHost host;
    ChatBytes tokenizer;
    const auto dataset =
        built_in().dataset(use, {{"files", List{from}}, {"val_fraction", 0.0}, {"cache", (path / use).string()}});
    dataset->open(context_of(&tokenizer, 200, 1, host));
    return row_of(*dataset, Split::train, Order::sequential, 0);
  }
  Error refused(const std::string& column = "body") const {
    return error_of([&] { OpenDataset("parquet", values(column), 4, "byte"); });
  }
};

std::string predicted(Dataset& d) {
  std::string out;
  for (int64_t w = 0; w < d.windows(Split::train); ++w)
    for (const int64_t t : row_of(d, Split::train, Order::sequential, w).targets)
      if (t >= 0) out += static_cast<char>(t);
  return out;
}

}  // namespace

TEST_CASE("the texts of a column are read in order, over pages and row groups, without those that are missing") {
  const Rows rows;
  for (const int64_t group : {5000, 333, 1}) {
    const std::string all = rows.write(3000, group);
    const OpenDataset d("parquet", rows.values(), 16, "byte");
    CHECK(predicted(*d.dataset) == all.substr(1));
    CHECK(d.dataset->tokens(Split::train) == static_cast<int64_t>(all.size()));
  }
}

TEST_CASE("a column that is not there, or holds no texts, is refused with the names of those that do") {
  const Rows rows;
  rows.write(10, 10);
  const Error missing = rows.refused("text");
  CHECK(missing.code() == Code::conflict);
  CHECK_THAT(missing.line(), Contains("a.parquet: ") && Contains("the file has no column 'text'") && Contains("it has 'body'"));
  CHECK_THAT(rows.refused("id").line(), Contains("the column 'id' holds int64, not texts"));
}

TEST_CASE("a Parquet file that is cut off, changed or none at all is refused") {
  const Rows rows;
  rows.write(1000, 400);
  const std::string whole = read_raw(rows.file());
  const std::vector<size_t> cuts = {0, 3, 8, whole.size() / 2, whole.size() - 1};
  for (const size_t cut : cuts) {
    write_raw(rows.file(), whole.substr(0, cut));
    const Error e = rows.refused();
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.line(), Contains("a.parquet") && Contains("not a whole Parquet file"));
  }
  std::string changed = whole;
  const size_t at = whole.find("document 700");
  REQUIRE(at != whole.npos);
  changed[at] = static_cast<char>(changed[at] ^ 1);  // in a page's data: only its checksum tells
  write_raw(rows.file(), changed);
  CHECK(rows.refused().code() == Code::data_corrupt);
  write_raw(rows.file(), "version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 603\n");
  CHECK_THAT(rows.refused().line(), Contains("this is a Git LFS pointer"));
  std::filesystem::remove(rows.file());
  CHECK(rows.refused().code() == Code::data_missing);
}

TEST_CASE("a text that is not UTF-8 is refused with its row") {
  const Rows rows;
  write_parquet(rows.file(), "{\"body\": \"one\"}\n{\"body\": \"ab\xff\"}\n", 4);
  CHECK_THAT(rows.refused().line(), Contains("a.parquet:2: ") && Contains("byte 3 of the record is not UTF-8"));
}

TEST_CASE("conversations in a table's rows are those of the same objects as JSON Lines") {
  const Rows rows;
  const std::string lines = GENERATE(
      std::string(R"({"id": 1, "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]})"
                  "\n"
                  R"({"id": 2, "messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]})"),
      std::string(R"({"question": "Which?", "subject": "x", "choices": ["this", "that"], "answer": 1})"),
      std::string(R"({"question": "How many?", "answer": "3"})"));
  write_parquet(rows.file(), lines + "\n", 1);
  write_raw(rows.path / "a.jsonl", lines + "\n");
  const Row table = rows.chat("parquet_chat", rows.file()), text = rows.chat("chat_mixture", (rows.path / "a.jsonl").string());
  CHECK(table.ids == text.ids);
  CHECK(table.targets == text.targets);
  CHECK(std::count(table.targets.begin(), table.targets.end(), -1) < 200);
}

TEST_CASE("a table without a column of conversations is refused") {
  const Rows rows;
  rows.write(3, 3);
  const Error e = error_of([&] { rows.chat("parquet_chat", rows.file()); });
  CHECK(e.code() == Code::conflict);
  CHECK_THAT(e.line(), Contains("none of the columns 'messages', 'question'") && Contains("it has 'id', 'body'"));
}
