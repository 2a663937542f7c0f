#include "core/data/corpus/shard_writer.h"

#include <cstring>

#include "core/data/corpus/token_file.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

std::vector<uint32_t> counting(uint32_t first, size_t count) {
  std::vector<uint32_t> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = first + static_cast<uint32_t>(i);
  return out;
}

std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) out.push_back(entry.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<uint64_t> starts(const std::filesystem::path& file) {
  const std::string bytes = read_raw(file);
  std::vector<uint64_t> out(bytes.size() / 8);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

// Writes documents of 3, 4, 5, ... ids that count on, from document `first` on.
void write(ShardWriter& writer, int64_t first, int64_t last) {
  uint32_t id = 0;
  for (int64_t d = 0; d < last; ++d) {
    const auto ids = counting(id, static_cast<size_t>(3 + d));
    if (d >= first) writer.add(2 * d, ids);  // every other document of the input is another split's
    id += static_cast<uint32_t>(ids.size());
  }
  writer.finish();
}

}  // namespace

TEST_CASE("shards have equal sizes, cut documents, and list where these start") {
  const TempFolder folder;
  ShardWriter writer(folder.path, Split::train, {ShardFormat::gptcore, 2, 10}, {}, {});
  write(writer, 0, 5);  // 25 ids, documents start at 0, 3, 7, 12, 18
  REQUIRE(writer.shards().size() == 3);
  CHECK(writer.shards()[2].tokens == 5);
  CHECK(starts(folder.path / "train_000000.docs") == std::vector<uint64_t>{0, 3, 7});
  CHECK(starts(folder.path / "train_000001.docs") == std::vector<uint64_t>{2, 8});
  CHECK(starts(folder.path / "train_000002.docs").empty());
  const std::string first = read_raw(folder.path / "train_000000.bin");
  CHECK(first == std::string("\0\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10\0\11\0", 20));
  CHECK(writer.shards()[0].next_document == 4);
  CHECK(writer.shards()[0].next_token == 3);
  CHECK(writer.shards()[2].max_id == 24);
  CHECK(entries(folder.path).size() == 6);
}

TEST_CASE("a writer that goes on behind any finished shards makes the same files") {
  const TempFolder whole;
  ShardWriter all(whole.path, Split::train, {ShardFormat::gptcore, 4, 7}, {}, {});
  write(all, 0, 12);
  for (size_t kept = 1; kept < all.shards().size(); ++kept) {
    const TempFolder folder;
    std::vector<ShardInfo> done(all.shards().begin(), all.shards().begin() + static_cast<std::ptrdiff_t>(kept));
    size_t told = 0;
    ShardWriter rest(folder.path, Split::train, {ShardFormat::gptcore, 4, 7}, done, [&](const ShardInfo&) { ++told; });
    write(rest, 0, 12);
    CHECK(told == all.shards().size() - kept);
    for (size_t s = kept; s < all.shards().size(); ++s) {
      CHECK(rest.shards()[s].sha256 == all.shards()[s].sha256);
      CHECK(rest.shards()[s].documents_sha256 == all.shards()[s].documents_sha256);
      CHECK(rest.shards()[s].next_document == all.shards()[s].next_document);
    }
  }
}

TEST_CASE("every format is read back as it was written") {
  const auto check = [](const ShardOptions& options, TokenFormat format, const std::vector<std::string>& names) {
    const TempFolder folder;
    ShardWriter writer(folder.path, Split::val, options, {}, {});
    writer.add(0, counting(1, 25));
    writer.finish();
    std::vector<TokenFile> files;
    for (size_t i = 0; i < writer.shards().size(); ++i) {
      CHECK(writer.shards()[i].name == names.at(i));
      files.emplace_back(folder.path / names[i], format, options.width);
      CHECK(files.back().layout().width == options.width);
    }
    CHECK(entries(folder.path).size() == names.size());
    TokenSequence tokens(std::move(files));
    REQUIRE(tokens.tokens() == 25);
    std::vector<uint32_t> ids(25);
    tokens.read(0, ids, 26);
    CHECK(ids == counting(1, 25));
  };
  check({ShardFormat::nanogpt, 2, 10}, TokenFormat::raw, {"val.bin"});
  for (const int64_t width : {2, 4}) {
    check({ShardFormat::llmc, width, 10}, TokenFormat::llmc, {"val_000000.bin", "val_000001.bin", "val_000002.bin"});
    check({ShardFormat::npy, width, 10}, TokenFormat::npy, {"val_000000.npy", "val_000001.npy", "val_000002.npy"});
  }
}

TEST_CASE("numpy's header is byte for byte what numpy writes") {
  const std::string header = token_header(TokenFormat::npy, 2, 100000000);
  CHECK(header.substr(0, 10) == std::string("\x93NUMPY\x01\0v\0", 10));
  CHECK(header.substr(10, 62) == "{'descr': '<u2', 'fortran_order': False, 'shape': (100000000,)");
  CHECK(header.size() == 128);
  CHECK(header.substr(72) == ", }" + std::string(52, ' ') + "\n");
}

TEST_CASE("an unfinished shard leaves no file behind, and a full one has its name at once") {
  const TempFolder folder;
  {
    ShardWriter writer(folder.path, Split::train, {ShardFormat::npy, 2, 10}, {}, {});
    writer.add(0, counting(0, 15));
    CHECK(entries(folder.path) == std::vector<std::filesystem::path>{"train_000000.npy", "train_000001.bin.tmp"});
  }
  CHECK(entries(folder.path) == std::vector<std::filesystem::path>{"train_000000.npy"});
}

TEST_CASE("a format that there is not is refused with those that there are") {
  try {
    shard_format("parquet");
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    CHECK(e.line() == "error[GC001]: no format 'parquet'; there are gptcore, nanogpt, llmc and npy");
  }
}
