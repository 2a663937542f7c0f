// The dataset jsonl, from files of documents to batches.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <map>
#include <set>

#include "built_in.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// A folder with documents a.jsonl, and its own cache.
struct Corpus : TempFolder {
  std::string file() const { return (path / "a.jsonl").string(); }
  void write(const std::vector<std::string>& texts) const {
    std::string out;
    for (const std::string& text : texts) out += "{\"id\": 1, \"text\": \"" + text + "\"}\n";
    write_raw(file(), out);
  }
  Table values(Table more = {}) const {
    Table out = {{"files", List{file()}}, {"cache", (path / "cache").string()}};
    for (auto& entry : more) out.push_back(std::move(entry));
    return out;
  }
};

std::vector<std::string> texts(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("d" + std::to_string(i) + std::string(static_cast<size_t>(i % 23), 'x') + ".");
  return out;
}

// Every token that the split's sequential windows predict, in their order.
std::string predicted(Dataset& d, Split split) {
  std::string out;
  for (int64_t w = 0; w < d.windows(split); ++w)
    for (const int64_t t : row_of(d, split, Order::sequential, w).targets)
      if (t >= 0) out += static_cast<char>(t);
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

Error open_error(const Table& values, const char* tokenizer = "byte") {
  return error_of([&] { OpenDataset("jsonl", values, 4, tokenizer); });
}

}  // namespace

TEST_CASE("documents are read in order as one stream") {
  const Corpus corpus;
  corpus.write(texts(50));
  const OpenDataset d("jsonl", corpus.values({{"val_fraction", 0.0}}), 8, "byte");
  CHECK(predicted(*d.dataset, Split::train) == joined(texts(50)).substr(1));
  CHECK(d.dataset->tokens(Split::val) == 0);
  CHECK(d.dataset->vocab_size() == 256);
}

TEST_CASE("a document's own hash decides whether it is for validation") {
  const Corpus corpus;
  corpus.write(texts(2000));
  const OpenDataset d("jsonl", corpus.values({{"val_fraction", 0.2}, {"pack", "documents"}}), 64, "byte");
  const auto documents = [&](Split split) {
    std::set<std::string> out;
    for (int64_t w = 0; w < d.dataset->windows(split); ++w) {
      const Row row = row_of(*d.dataset, split, Order::sequential, w);
      std::string text(1, static_cast<char>(row.ids[0]));
      for (const int64_t t : row.targets)
        if (t >= 0) text += static_cast<char>(t);
      out.insert(text);
    }
    return out;
  };
  const auto train = documents(Split::train), val = documents(Split::val);
  CHECK(train.size() + val.size() == 2000);
  CHECK(val.size() > 320);
  CHECK(val.size() < 480);
  auto reversed = texts(2000);
  std::reverse(reversed.begin(), reversed.end());
  corpus.write(reversed);
  const OpenDataset other("jsonl", corpus.values({{"val_fraction", 0.2}}), 64, "byte");
  CHECK(other.dataset->tokens(Split::val) == d.dataset->tokens(Split::val));
}

TEST_CASE("packed windows predict every token but the documents' first ones") {
  const Corpus corpus;
  const auto all = texts(300);
  corpus.write(all);
  std::string expected;
  for (const std::string& text : all) expected += text.substr(1);
  const auto sorted = [](std::string text) {
    std::sort(text.begin(), text.end());
    return text;
  };
  const OpenDataset documents("jsonl", corpus.values({{"val_fraction", 0.0}, {"pack", "documents"}}), 8, "byte");
  const OpenDataset best("jsonl", corpus.values({{"val_fraction", 0.0}, {"pack", "best_fit"}}), 8, "byte");
  CHECK(predicted(*documents.dataset, Split::train) == expected);
  CHECK(sorted(predicted(*best.dataset, Split::train)) == sorted(expected));
  CHECK(best.dataset->windows(Split::train) < documents.dataset->windows(Split::train));
}

TEST_CASE("one global order whatever the number of ranks and the size of batches") {
  const Corpus corpus;
  corpus.write(texts(200));
  for (const char* pack : {"stream", "documents", "best_fit"}) {
    const OpenDataset d("jsonl", corpus.values({{"pack", pack}, {"val_fraction", 0.0}}), 8, "byte");
    Batch whole;
    d.dataset->batch({Split::train, Order::shuffled, 1000, 6}, whole);
    for (int64_t i = 0; i < 6; ++i) {
      Batch one;
      d.dataset->batch({Split::train, Order::shuffled, 1000 + i, 1}, one);
      CHECK(at::equal(whole.ids[i], one.ids[0]));
      CHECK(at::equal(whole.targets[i], one.targets[0]));
    }
  }
}

TEST_CASE("an epoch of shuffled documents shows each window once") {
  const Corpus corpus;
  corpus.write(texts(200));
  const OpenDataset d("jsonl", corpus.values({{"pack", "best_fit"}, {"val_fraction", 0.0}}), 16, "byte");
  std::map<std::vector<int64_t>, int> sequential, shuffled;
  const int64_t rows = d.dataset->windows(Split::train);
  for (int64_t i = 0; i < rows; ++i) {
    ++sequential[row_of(*d.dataset, Split::train, Order::sequential, i).ids];
    ++shuffled[row_of(*d.dataset, Split::train, Order::shuffled, 3 * rows + i).ids];
  }
  CHECK(sequential == shuffled);
  CHECK(row_of(*d.dataset, Split::train, Order::shuffled, 0).ids !=
        row_of(*d.dataset, Split::train, Order::shuffled, rows).ids);
}

TEST_CASE("a second opening reads what the first has prepared") {
  const Corpus corpus;
  corpus.write(texts(20));
  const auto fingerprint = [&](Table more = {}) {
    return OpenDataset("jsonl", corpus.values(std::move(more)), 4, "byte").dataset->fingerprint();
  };
  const auto folders = [&] {
    const auto prepared = corpus.path / "cache" / "prepared";
    return std::distance(std::filesystem::directory_iterator(prepared), std::filesystem::directory_iterator());
  };
  const std::string first = fingerprint();
  CHECK(fingerprint() == first);
  CHECK(fingerprint({{"pack", "documents"}}) == first);  // packing is no part of what is prepared
  CHECK(folders() == 1);
  CHECK(fingerprint({{"end_of_text_first", true}}) == first);
  CHECK(folders() == 2);
  corpus.write(texts(21));
  CHECK(fingerprint() != first);
  CHECK(folders() == 3);
}

TEST_CASE("a tokenizer that must be learned learns the documents, and finds them again") {
  const Corpus corpus;
  corpus.write({"abab", "caab"});
  for (int i = 0; i < 2; ++i) {
    const OpenDataset d("jsonl", corpus.values({{"val_fraction", 0.0}}), 4, "char");
    CHECK(d.dataset->vocab_size() == 3);
    CHECK(row_of(*d.dataset, Split::train, Order::sequential, 0).ids == std::vector<int64_t>{0, 1, 0, 1});
  }
}

TEST_CASE("files are downloaded when none is named, each with its hash") {
  const Corpus corpus;
  corpus.write({"text text"});
  const Table cache = {{"cache", (corpus.path / "cache").string()}, {"val_fraction", 0.0}};
  const auto with = [&](List urls, List hashes) {
    Table out = cache;
    out.emplace_back("urls", std::move(urls));
    out.emplace_back("sha256", std::move(hashes));
    return out;
  };
  CHECK(OpenDataset("jsonl", with({corpus.file()}, {"x"}), 4, "byte").dataset->tokens(Split::train) == 9);
  CHECK(OpenDataset("jsonl", with({corpus.file()}, {}), 4, "byte").dataset->tokens(Split::train) == 9);
  write_raw(corpus.path / "b08.jsonl", "{\"text\": \"eight\"}\n");
  write_raw(corpus.path / "b09.jsonl", "{\"text\": \"nine\"}\n");
  write_raw(corpus.path / "b10.jsonl", "{\"text\": \"ten\"}\n");
  const OpenDataset range("jsonl", with({(corpus.path / "b{08..10}.jsonl").string(), corpus.file()}, {}), 4, "byte");
  CHECK(predicted(*range.dataset, Split::train) == "ightninetentext text");
  CHECK_THAT(open_error(with({corpus.file()}, {"x", "y"})).what(), Contains("1 urls and 2 hashes"));
  CHECK_THAT(open_error(cache).what(), Contains("neither files nor urls"));
}

TEST_CASE("files for validation are named apart") {
  const Corpus corpus;
  corpus.write({"train text"});
  const auto val = corpus.path / "b.jsonl";
  write_raw(val, "{\"text\": \"valid text\"}\r\n\n");
  const OpenDataset d("jsonl", corpus.values({{"val", List{val.string()}}}), 4, "byte");
  CHECK(d.dataset->tokens(Split::val) == 10);
  CHECK(predicted(*d.dataset, Split::val) == "alid text");
  CHECK(open_error(corpus.values({{"val", List{val.string()}}, {"val_fraction", 0.1}})).code() == Code::conflict);
}

TEST_CASE("a line that cannot be read is named by file and line") {
  const Corpus corpus;
  const auto check = [&](const std::string& line, const std::string& part, Code code = Code::data_corrupt) {
    write_raw(corpus.file(), "{\"text\": \"first\"}\n\n" + line + "\n{\"text\": \"last\"}\n");
    const Error e = open_error(corpus.values());
    INFO(e.line());
    CHECK(e.code() == code);
    CHECK_THAT(e.what(), Contains(part));
    CHECK(e.where() == corpus.file() + ":3");
    CHECK(!e.hint().empty());
  };
  check("{\"text\": \"caf\xe9\"}", "byte 14 of the record is not UTF-8");
  check("{\"text\": \"half", "is not JSON at byte");
  check("{\"text\": \"\\ud800 alone\"}", "lone surrogate \\ud800 at byte 11");
  check("{\"id\": \"\\ud83d\\ude00\", \"text\": \"tail \\udc00\"}", "lone surrogate \\udc00");
  check("{\"text\": \"x\", \"id\": \"\\ud83d\\u0041\"}", "lone surrogate \\ud83d");
  check("{\"text\": \"x\", \"n\": 1e999}", "number that is too large");
  check("[1, 2]", "JSON array, not an object");
  check("{\"body\": \"x\", \"id\": 3}", "no field 'text'");
  check("{\"text\": 3}", "holds a number, not a text");
  check("{\"text\": null}", "the field 'text' is null");
}

namespace {

struct ListeningHost final : Host {
  void log(Level level, std::string_view text) override {
    if (level == Level::warning) warnings += std::string(text) + "\n";
  }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view url, std::string_view) override { return std::string(url); }
  std::string warnings;
};

}  // namespace

TEST_CASE("records that cannot be used are skipped, counted and told when that is asked for, up to a limit") {
  const Corpus corpus;
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += i % 10 == 4 ? "{\"text\": null}\n" : i % 10 == 7 ? "{\"text\": \"\\ud800\"}\n" : "{\"text\": \"good\"}\n";
  write_raw(corpus.file(), lines);
  CHECK_THAT(open_error(corpus.values()).hint(), Contains("on_bad_record = \"skip\""));
  for (int time = 0; time < 2; ++time) {  // also when it is read from the cache
    ListeningHost host;
    const auto tokenizer = built_in().tokenizer(time == 0 ? "byte" : "char", {});
    const auto d = built_in().dataset("jsonl", corpus.values({{"on_bad_record", "skip"}, {"val_fraction", 0.0}}));
    d->open(context_of(tokenizer.get(), 4, 1, host));
    CHECK(d->tokens(Split::train) == 320);
    INFO(host.warnings);
    CHECK_THAT(host.warnings,
               Contains("20 records could not be used and were skipped") && Contains("a.jsonl:5: the field 'text' is null"));
  }
  const Error many = open_error(corpus.values({{"on_bad_record", "skip"}, {"max_bad_records", 12}}));
  INFO(many.line());
  CHECK(many.where() == corpus.file() + ":65");
  CHECK_THAT(many.what(), Contains("13 records that cannot be used"));
  CHECK_THAT(many.hint(), Contains("max_bad_records"));
}

TEST_CASE("another field's name is a parameter, and empty documents are left out") {
  const Corpus corpus;
  write_raw(corpus.file(), "{\"body\": \"\"}\n{\"body\": \"one\"}\n{\"body\": \"\"}\n{\"body\": \"two\"}\n");
  const OpenDataset d("jsonl", corpus.values({{"text_field", "body"}, {"val_fraction", 0.0}}), 4, "byte");
  CHECK(predicted(*d.dataset, Split::train) == "netwo");
  write_raw(corpus.file(), "{\"body\": \"\"}\n");
  CHECK(open_error(corpus.values({{"text_field", "body"}})).code() == Code::data_empty);
}

TEST_CASE("a corpus without a tokenizer, a file or a validation document is refused") {
  const Corpus corpus;
  corpus.write(texts(3));
  CHECK(open_error(corpus.values(), nullptr).code() == Code::missing_key);
  CHECK(open_error({{"files", List{(corpus.path / "none.jsonl").string()}}}).code() == Code::data_missing);
  const Error e = open_error(corpus.values({{"val_fraction", 1e-9}}));
  CHECK(e.code() == Code::data_too_short);
  CHECK_THAT(e.what(), Contains("none of the 3 documents"));
  const Error special = open_error(corpus.values({{"end_of_text", "<|im_end|>"}}));
  CHECK(special.code() == Code::conflict);
  CHECK_THAT(special.what(), Contains("no special token '<|im_end|>'"));
}

TEST_CASE("ids that the model has no rows for are refused when the corpus is opened") {
  const Corpus corpus;
  corpus.write({"abc", "xyz"});
  SilentHost host;
  const auto tokenizer = built_in().tokenizer("byte", {});
  DatasetContext context = context_of(tokenizer.get(), 2, 1, host);
  context.vocab_limit = 122;  // 'z' is 122
  const auto d = built_in().dataset("jsonl", corpus.values());
  const Error e = error_of([&] { d->open(context); });
  CHECK(e.code() == Code::token_out_of_range);
  CHECK_THAT(e.what(), Contains("the id 122"));
}
