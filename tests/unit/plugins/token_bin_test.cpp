#include <cstring>
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
  for (const char* bad :
       {"", "{}", "[]", R"({"vocab_size": 0})", R"({"vocab_size": "x"})", R"({"vocab_size": 9, "dtype": "int8"})"}) {
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
  CHECK_THAT(e.what(), Contains("id 200 at token 200 (byte 400, read as uint16)") && Contains("size 200"));
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

namespace {

// llm.c's header and ids of that type.
template <class Id> std::string llmc_file(int32_t magic, int32_t version, int32_t count, const std::vector<Id>& ids) {
  std::vector<int32_t> header(256);
  header[0] = magic;
  header[1] = version;
  header[2] = count;
  std::string out(reinterpret_cast<const char*>(header.data()), 1024);
  return out.append(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(Id));
}

std::vector<int64_t> first_ids(const Table& values) {
  return row_of(*OpenDataset("token_bin", values, 4).dataset, Split::train, Order::sequential, 0).ids;
}

}  // namespace

TEST_CASE("llm.c's shards of both versions are read behind their headers") {
  const TempFolder folder;
  write_raw(folder.path / "old.bin", llmc_file<uint16_t>(20240520, 1, 6, {50256, 1, 2, 3, 4, 5}));
  write_raw(folder.path / "new.bin", llmc_file<uint32_t>(20240801, 7, 6, {128000, 1, 2, 3, 4, 5}));
  const auto values = [&](const char* name, const char* format, int64_t vocab = 128256) {
    return Table{{"train", List{(folder.path / name).string()}}, {"vocab_size", vocab}, {"format", format}};
  };
  for (const char* format : {"auto", "llmc"}) {
    CHECK(first_ids(values("old.bin", format)) == std::vector<int64_t>{50256, 1, 2, 3});
    CHECK(first_ids(values("new.bin", format)) == std::vector<int64_t>{128000, 1, 2, 3});
  }
  CHECK(first_ids(values("old.bin", "raw", 60000))[0] == 20240520 % 65536);
}

TEST_CASE("shards are one sequence, in the order of their names") {
  const TempFolder folder;
  for (int shard = 0; shard < 3; ++shard) {
    std::vector<uint16_t> ids(7);
    std::iota(ids.begin(), ids.end(), static_cast<uint16_t>(7 * shard));
    write_raw(folder.path / ("train_" + std::to_string(shard) + ".bin"), llmc_file<uint16_t>(20240520, 1, 7, ids));
  }
  write_raw(folder.path / "val_0.bin", llmc_file<uint16_t>(20240520, 1, 5, {9, 8, 7, 6, 5}));
  const OpenDataset d("token_bin",
                      {{"train", List{(folder.path / "train_*.bin").string()}},
                       {"val", List{(folder.path / "val_0.bin").string()}},
                       {"vocab_size", 50}},
                      4);
  CHECK(d.dataset->tokens(Split::train) == 21);
  std::vector<int64_t> seen;
  for (int64_t w = 0; w < d.dataset->windows(Split::train); ++w)
    for (const int64_t t : row_of(*d.dataset, Split::train, Order::sequential, w).targets)
      if (t >= 0) seen.push_back(t);
  std::vector<int64_t> all(20);
  std::iota(all.begin(), all.end(), 1);
  CHECK(seen == all);
  CHECK(row_of(*d.dataset, Split::val, Order::sequential, 0).ids == std::vector<int64_t>{9, 8, 7, 6});
}

TEST_CASE("raw ids of four bytes are read as such") {
  const TempFolder folder;
  const std::vector<uint32_t> ids = {70000, 1, 2, 3, 4};
  write_raw(folder.path / "train.bin", std::string(reinterpret_cast<const char*>(ids.data()), 20));
  const Table values = {{"path", folder.path.string()}, {"dtype", "uint32"}, {"vocab_size", 70001}};
  CHECK(first_ids(values) == std::vector<int64_t>{70000, 1, 2, 3});
  write_raw(folder.path / "train.bin", std::string(22, 'x'));
  CHECK_THAT(open_error(values).what(), Contains("odd size of 22 bytes; ids of uint32 have 4"));
}

namespace {

// A folder with train.bin of uint32 ids, and what else is to stand beside it.
struct WideFolder : TempFolder {
  explicit WideFolder(const std::vector<uint32_t>& ids, const std::string& meta = {}) {
    write_raw(path / "train.bin", std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * 4));
    if (!meta.empty()) write_raw(path / "meta.json", meta);
  }
  Table values(Table more = {}) const {
    more.emplace_back("path", path.string());
    return more;
  }
};

std::vector<uint32_t> ids_below(uint32_t vocab, size_t count = 400) {
  std::vector<uint32_t> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(static_cast<uint32_t>(i * 7919 % vocab));
  return ids;
}

}  // namespace

TEST_CASE("ids that need 32 bits are read as such: by what stands beside the file, or by the vocabulary's size") {
  const auto ids = ids_below(100'000);
  const std::vector<int64_t> first(ids.begin(), ids.begin() + 4);
  CHECK(first_ids(WideFolder(ids, R"({"vocab_size": 100000, "dtype": "uint32"})").values()) == first);
  CHECK(first_ids(WideFolder(ids, R"({"vocab_size": 100000})").values()) == first);
  CHECK(first_ids(WideFolder(ids).values({{"vocab_size", 100'000}})) == first);
  CHECK(first_ids(WideFolder(ids_below(50'000), R"({"vocab_size": 50000, "dtype": "uint32"})").values()) ==
        std::vector<int64_t>{0, 7919, 15838, 23757});
  SilentHost host;
  DatasetContext context = context_of(nullptr, 4, 1, host);
  context.vocab_limit = 100'000;  // the model's
  const WideFolder folder(ids);
  const auto d = built_in().dataset("token_bin", folder.values());
  d->open(context);
  CHECK(row_of(*d, Split::train, Order::sequential, 0).ids == first);
}

TEST_CASE("a file whose ids are not as wide as they are taken for is refused by name and key") {
  const auto check = [](const WideFolder& folder, Table more, const std::string& part) {
    const Error e = open_error(folder.values(std::move(more)));
    INFO(e.line());
    CHECK_THAT(e.what(), Contains(part));
    CHECK_THAT(e.line(), Contains("dtype = \"uint"));
    CHECK(e.where().starts_with(folder.path.string()));
  };
  check(WideFolder(ids_below(50'000)), {{"vocab_size", 50'000}}, "each second id is 0");
  check(WideFolder(ids_below(60)), {{"vocab_size", 60}}, "each second id is 0");
  check(WideFolder(ids_below(200'000)), {{"vocab_size", 60'000}}, "each second id is at most 3");
  check(WideFolder(ids_below(100'000)), {{"vocab_size", 100'000}, {"dtype", "uint16"}}, "100000");
  const char* wide = R"({"vocab_size": 50000, "dtype": "uint32"})";
  check(WideFolder(ids_below(50'000), wide), {{"dtype", "uint16"}}, "meta.json");
  // Ids of 16 bits where the vocabulary lets expect 32.
  Folder narrow(400, 0);
  CHECK_THAT(open_error(narrow.values(100'000)).line(), Contains("as uint32") && Contains("dtype = \"uint16\""));
  // Said to be so, half-words are what they are.
  CHECK(first_ids(WideFolder(ids_below(60)).values({{"vocab_size", 60}, {"dtype", "uint16"}})) ==
        std::vector<int64_t>{0, 0, 59, 0});
}

TEST_CASE("an id beyond the vocabulary tells how wide ids were read") {
  const Folder folder(300, 0);
  const OpenDataset d("token_bin", folder.values(200), 4);
  const Error e = error_of([&] { row_of(*d.dataset, Split::train, Order::sequential, 50); });
  CHECK_THAT(e.what(), Contains("uint16"));
  CHECK_THAT(e.hint(), Contains("dataset.dtype"));
}

TEST_CASE("a header that contradicts its file is refused with what it says") {
  const TempFolder folder;
  const std::string path = (folder.path / "train.bin").string();
  const Table automatic = {{"train", List{path}}, {"vocab_size", 50}};
  const Table llmc = {{"train", List{path}}, {"vocab_size", 50}, {"format", "llmc"}};
  const std::vector<uint16_t> six = {1, 2, 3, 4, 5, 6};
  const auto check = [&](const std::string& file, const Table& values, Code code, const std::string& part) {
    write_raw(path, file);
    const Error e = open_error(values);
    CHECK(e.code() == code);
    CHECK_THAT(e.what(), Contains(part));
    CHECK(e.where() == path);
    CHECK(!e.hint().empty());
  };
  check(llmc_file<uint16_t>(20240520, 2, 6, six), automatic, Code::data_corrupt, "version 2");
  check(llmc_file<uint16_t>(20240801, 1, 6, six), automatic, Code::data_corrupt, "version 7");
  check(llmc_file<uint16_t>(20240520, 1, 7, six), automatic, Code::data_corrupt, "counts 7 ids of 2 bytes, but 12 bytes");
  check(llmc_file<uint16_t>(20240520, 1, -6, six), automatic, Code::data_corrupt, "counts -6");
  check(llmc_file<uint16_t>(20240520, 1, 0, {}), automatic, Code::data_empty, "no ids");
  check(llmc_file<uint16_t>(20240522, 1, 6, six), automatic, Code::data_corrupt, "evaluation examples");
  check(llmc_file<uint16_t>(20240521, 1, 6, six), llmc, Code::data_corrupt, "begins with the number 20240521");
  check(llmc_file<uint16_t>(20240520, 1, 6, six).substr(0, 600), automatic, Code::data_corrupt, "header alone has 1024");
}

TEST_CASE("a shard that is changed or replaced while it is in use is refused by name") {
  const Folder folder(300, 0);
  const auto file = folder.path / "train.bin";
  const OpenDataset d("token_bin", folder.values(), 4);
  row_of(*d.dataset, Split::train, Order::sequential, 0);
  std::filesystem::resize_file(file, 602);
  const Error e = error_of([&] { row_of(*d.dataset, Split::train, Order::sequential, 0); });
  CHECK(e.code() == Code::data_corrupt);
  CHECK_THAT(e.what(), Contains("changed or replaced"));
  CHECK(e.where() == file.string());
}

TEST_CASE("token_bin without a file, with two sorts of them, or with a pattern that fits nothing is refused") {
  CHECK(open_error({{"vocab_size", 5}}).code() == Code::conflict);
  CHECK(open_error({{"path", "/x"}, {"train", List{"/y"}}}).code() == Code::conflict);
  const TempFolder folder;
  const Error e = open_error({{"train", List{(folder.path / "*.bin").string()}}, {"vocab_size", 5}});
  CHECK(e.code() == Code::data_missing);
  CHECK_THAT(e.what(), Contains("no file matches"));
}
