#include <numeric>

#include "built_in.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// A folder with token files; counting ids unless told otherwise.
struct Folder : TempFolder {
  Folder(size_t train, size_t val) {
    add("train", counting(train));
    if (val > 0) add("val", counting(val));
  }
  static std::vector<uint16_t> counting(size_t n) {
    std::vector<uint16_t> ids(n);
    std::iota(ids.begin(), ids.end(), uint16_t{0});
    return ids;
  }
  void add(const std::string& split, const std::vector<uint16_t>& ids) const {
    write_raw(path / (split + ".bin"), std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * 2));
  }
  Table values(int64_t vocab = 1000) const { return {{"path", path.string()}, {"vocab_size", vocab}}; }
};

Error open_error(const Table& values, int64_t block_size = 4) {
  return error_of([&] { OpenDataset("token_bin", values, block_size); });
}

}  // namespace

TEST_CASE("token files are cut into windows of their ids") {
  const Folder folder(300, 10);
  const OpenDataset d("token_bin", folder.values(), 4);
  CHECK(d.dataset->tokens(Split::train) == 300);
  CHECK(d.dataset->tokens(Split::val) == 10);
  CHECK(d.dataset->windows(Split::val) == 3);
  CHECK(d.dataset->vocab_size() == 1000);
  const Row row = row_of(*d.dataset, Split::train, Order::sequential, 64);
  CHECK(row.ids == std::vector<int64_t>{256, 257, 258, 259});  // little-endian
  CHECK(row_of(*d.dataset, Split::val, Order::sequential, 2).targets == std::vector<int64_t>{9, -1, -1, -1});
}

TEST_CASE("the same request gives the same batch, whatever was asked before") {
  const Folder folder(300, 100);
  const OpenDataset a("token_bin", folder.values(), 4), b("token_bin", folder.values(), 4),
      c("token_bin", folder.values(), 4, nullptr, 2);
  row_of(*a.dataset, Split::val, Order::shuffled, 5);
  CHECK(row_of(*a.dataset, Split::train, Order::shuffled, 77).ids == row_of(*b.dataset, Split::train, Order::shuffled, 77).ids);
  CHECK(row_of(*a.dataset, Split::train, Order::shuffled, 77).ids != row_of(*c.dataset, Split::train, Order::shuffled, 77).ids);
}

TEST_CASE("the vocabulary's size comes from the key, from meta.json or from the tokenizer") {
  const Folder folder(300, 0);
  const auto vocab = [](const Table& values, const char* tokenizer) {
    return OpenDataset("token_bin", values, 4, tokenizer).dataset->vocab_size();
  };
  CHECK(vocab(folder.values(0), "byte") == 256);
  write_raw(folder.path / "meta.json", R"({"vocab_size": 777})");
  CHECK(vocab(folder.values(0), "byte") == 777);
  CHECK(vocab(folder.values(888), "byte") == 888);
  for (const char* bad : {"", "{}", "[]", R"({"vocab_size": 0})", R"({"vocab_size": "x"})", R"({"vocab_size": 65537})"}) {
    write_raw(folder.path / "meta.json", bad);
    CHECK(open_error(folder.values(0)).code() == Code::data_corrupt);
  }
  std::filesystem::remove(folder.path / "meta.json");
  CHECK(open_error(folder.values(0)).code() == Code::missing_key);
}

TEST_CASE("a missing, empty, odd or short token file is refused by name") {
  const Folder folder(300, 3);
  const auto check = [&](const std::string& file, Code code) {
    const Error e = open_error(folder.values());
    CHECK(e.code() == code);
    CHECK(e.where() == (folder.path / file).string());
    CHECK(!e.hint().empty());
  };
  check("val.bin", Code::data_too_short);
  write_raw(folder.path / "val.bin", "");
  check("val.bin", Code::data_empty);
  write_raw(folder.path / "val.bin", "abc");
  check("val.bin", Code::data_corrupt);
  std::filesystem::remove(folder.path / "train.bin");
  check("train.bin", Code::data_missing);
  std::filesystem::create_directory(folder.path / "train.bin");
  check("train.bin", Code::data_missing);
}

TEST_CASE("an id beyond the vocabulary is named by file, token and byte when it is read") {
  const Folder folder(300, 0);
  const OpenDataset d("token_bin", folder.values(200), 4);
  CHECK_NOTHROW(row_of(*d.dataset, Split::train, Order::sequential, 0));
  const Error e = error_of([&] { row_of(*d.dataset, Split::train, Order::sequential, 50); });
  CHECK(e.code() == Code::token_out_of_range);
  CHECK_THAT(e.what(), Contains("id 200 at token 200 (byte 400)") && Contains("size 200"));
  CHECK(e.where() == (folder.path / "train.bin").string());
}

TEST_CASE("a token file that shrinks while it is in use is an error, not a crash") {
  const Folder folder(300, 0);
  const OpenDataset d("token_bin", folder.values(), 4);
  std::filesystem::resize_file(folder.path / "train.bin", 100);
  CHECK(error_of([&] { row_of(*d.dataset, Split::train, Order::sequential, 40); }).code() == Code::data_corrupt);
}

TEST_CASE("the fingerprint tells token files apart") {
  const Folder folder(5000, 10);
  const auto fingerprint = [&] { return OpenDataset("token_bin", folder.values(60000), 4).dataset->fingerprint(); };
  const std::string before = fingerprint();
  CHECK(fingerprint() == before);
  std::vector<uint16_t> ids = Folder::counting(5000);
  ids.back() = 7;
  folder.add("train", ids);
  CHECK(fingerprint() != before);
}

TEST_CASE("ids are also held below what the model has rows for") {
  const Folder folder(300, 0);
  SilentHost host;
  DatasetContext context = context_of(nullptr, 4, 1, host);
  context.vocab_limit = 100;
  const auto limited = built_in().dataset("token_bin", folder.values(1000));
  limited->open(context);
  CHECK_NOTHROW(row_of(*limited, Split::train, Order::sequential, 0));
  CHECK(error_of([&] { row_of(*limited, Split::train, Order::sequential, 25); }).code() == Code::token_out_of_range);
  const auto alone = built_in().dataset("token_bin", folder.values(0));
  alone->open(context);
  CHECK(alone->vocab_size() == 100);
}
