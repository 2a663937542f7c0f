#include "core/data/corpus/line_reader.h"

#include <zstd.h>

#include <vector>

#include "gptcore/error.h"
#include "tests/unit/base/gzip.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  LineReader reader(path);
  std::vector<std::string> out;
  for (std::string line; reader.next(line); line.clear()) out.push_back(line);
  CHECK(reader.number() == static_cast<int64_t>(out.size()));
  return out;
}

Error error_of(const std::filesystem::path& path) {
  try {
    lines_of(path);
  } catch (const Error& e) {
    return e;
  }
  throw std::logic_error("nothing was thrown");
}

// Some MiB that do not pack to nothing.
std::string long_text() {
  std::string out;
  uint32_t state = 1;
  while (out.size() < (3 << 20)) {
    state = state * 1664525 + 1013904223;
    out += std::to_string(state) + (state % 7 == 0 ? "\n" : " ");
  }
  return out + "\n";
}

}  // namespace

TEST_CASE("lines end with LF or CRLF, the last one also with the file") {
  const TempFolder folder;
  write_raw(folder.path / "a", "one\ntwo\r\n\n\r\nlast");
  CHECK(lines_of(folder.path / "a") == std::vector<std::string>{"one", "two", "", "", "last"});
  write_raw(folder.path / "a", "");
  CHECK(lines_of(folder.path / "a").empty());
}

TEST_CASE("gzip and zstd files give the lines of what was packed, whatever they are called") {
  const TempFolder folder;
  const std::string text = long_text();
  write_raw(folder.path / "plain", text);
  write_raw(folder.path / "gzip", gzip(text));
  write_raw(folder.path / "zstd", zstd(text));
  const auto expected = lines_of(folder.path / "plain");
  CHECK(lines_of(folder.path / "gzip") == expected);
  CHECK(lines_of(folder.path / "zstd") == expected);
}

TEST_CASE("packed pieces one behind the other are one file") {
  const TempFolder folder;
  write_raw(folder.path / "a", gzip("one\ntw") + gzip("") + gzip("o\nthree\n"));
  CHECK(lines_of(folder.path / "a") == std::vector<std::string>{"one", "two", "three"});
  write_raw(folder.path / "a", zstd("one\ntw") + zstd("o\nthree\n"));
  CHECK(lines_of(folder.path / "a") == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a packed file of any unpacked size is read, whole blocks of the reader included") {
  const TempFolder folder;
  constexpr size_t kBlock = size_t{1} << 18;
  const auto file = folder.path / "a";
  for (const size_t size : {kBlock - 1, kBlock, kBlock + 1, 2 * kBlock, 5 * kBlock})
    for (const bool gz : {true, false}) {
      const auto pack = [&](const std::string& part) { return gz ? gzip(part) : zstd(part); };
      const std::string text = long_text().substr(0, size - 1) + "\n", half = text.substr(0, kBlock / 2);
      CAPTURE(size, gz);
      write_raw(folder.path / "plain", text);
      const auto expected = lines_of(folder.path / "plain");
      write_raw(file, pack(text));
      CHECK(lines_of(file) == expected);
      // Frames that end, and do not end, with a block.
      write_raw(file, pack(half) + pack(text.substr(half.size())));
      CHECK(lines_of(file) == expected);
      write_raw(file, pack(text.substr(0, kBlock - 1)) + pack(text.substr(kBlock - 1)) + pack(""));
      CHECK(lines_of(file) == expected);
    }
}

TEST_CASE("a packed file is refused when it is cut off anywhere, after each of its pieces' bytes but the last") {
  const TempFolder folder;
  constexpr size_t kBlock = size_t{1} << 18;
  for (const bool gz : {true, false}) {
    const auto file = folder.path / (gz ? "a.gz" : "a.zst");
    for (const std::string& text : {std::string("one\ntwo\n"), std::string(kBlock, '\n')}) {
      const std::string whole = gz ? gzip(text) : zstd(text);
      for (size_t cut = 0; cut < whole.size(); ++cut) {
        CAPTURE(gz, cut, whole.size());
        write_raw(file, whole.substr(0, cut));
        CHECK_THAT(error_of(file).what(), Contains("truncated"));
        if (cut == 0) continue;
        write_raw(file, whole + whole.substr(0, cut));
        CHECK_THAT(error_of(file).what(), Contains("truncated"));
      }
      write_raw(file, whole);
      CHECK(!lines_of(file).empty());
    }
  }
}

TEST_CASE("a zstd file may begin with a frame that holds no data, as pzstd's do") {
  const TempFolder folder;
  const std::string skipped("\x50\x2a\x4d\x18\x04\0\0\0abcd", 12);
  write_raw(folder.path / "a", skipped + zstd("one\ntwo\n") + skipped);
  CHECK(lines_of(folder.path / "a") == std::vector<std::string>{"one", "two"});
}

TEST_CASE("a damaged or cut off packed file is refused by name at any place") {
  const TempFolder folder;
  const auto file = folder.path / "a";
  const std::string text = long_text();
  for (const bool gz : {true, false}) {
    const std::string whole = gz ? gzip(text) : zstd(text);
    for (const size_t cut : {whole.size() - 1, whole.size() / 2, size_t{9}}) {
      write_raw(file, whole.substr(0, cut));
      const Error e = error_of(file);
      CHECK(e.code() == Code::data_corrupt);
      CHECK_THAT(e.what(), Contains(gz ? "gzip" : "zstd") && Contains("truncated"));
      CHECK(e.where() == file.string());
    }
    for (const size_t at : {whole.size() / 3, whole.size() - 3}) {
      std::string damaged = whole;
      for (size_t i = 0; i < 3; ++i) damaged[at + i] = static_cast<char>(~damaged[at + i]);
      write_raw(file, damaged);
      CHECK_THAT(error_of(file).what(), Contains("damaged near byte"));
    }
    write_raw(file, whole + "not packed");
    CHECK(error_of(file).code() == Code::data_corrupt);
  }
}

TEST_CASE("a line of 50 MB is read, one beyond the limit is refused by its number") {
  const TempFolder folder;
  const auto file = folder.path / "a";
  write_raw(file, "short\n" + std::string(50'000'000, 'x') + "\nshort\n");
  const auto lines = lines_of(file);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].size() == 50'000'000);
  write_raw(file, "short\n" + std::string(LineReader::kLongest + (1 << 19), 'x'));
  const Error e = error_of(file);
  CHECK(e.code() == Code::data_corrupt);
  CHECK_THAT(e.what(), Contains("longer than 64 MiB"));
  CHECK(e.where() == file.string() + ":2");
}

TEST_CASE("a file that grows or shrinks while it is read is refused") {
  const TempFolder folder;
  const auto file = folder.path / "a";
  for (const size_t size : {size_t{100}, size_t{5} << 20}) {
    write_raw(file, long_text());
    LineReader reader(file);
    std::string line;
    REQUIRE(reader.next(line));
    std::filesystem::resize_file(file, size);
    bool refused = false;
    try {
      for (line.clear(); reader.next(line); line.clear()) continue;
    } catch (const Error& e) {
      refused = std::string(e.what()).find("was changed while it was read") != std::string::npos;
    }
    CHECK(refused);
  }
}

TEST_CASE("a missing file and a folder are refused") {
  const TempFolder folder;
  CHECK(error_of(folder.path / "none").code() == Code::data_missing);
  CHECK(error_of(folder.path).code() == Code::data_missing);
}
