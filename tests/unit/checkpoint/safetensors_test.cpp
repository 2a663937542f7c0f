#include "core/checkpoint/safetensors.h"

#include <rapidcheck.h>
#include <cstring>

#include "core/base/hash.h"
#include "gptcore/error.h"
#include "tests/unit/base/memory_file_system.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

struct Owned {
  std::string name;
  Dtype dtype = Dtype::u8;
  std::vector<int64_t> shape;
  std::string data;
};

std::vector<TensorSource> sources(const std::vector<Owned>& tensors) {
  std::vector<TensorSource> result;
  for (const Owned& tensor : tensors) result.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.data.data()});
  return result;
}

std::vector<Owned> some_tensors() {
  std::vector<Owned> tensors;
  for (const int i : *rc::gen::unique<std::vector<int>>(rc::gen::inRange(0, 30))) {
    Owned tensor;
    tensor.name = "layer." + std::to_string(i);
    tensor.dtype = static_cast<Dtype>(*rc::gen::inRange(0, 13));
    tensor.shape = {*rc::gen::inRange<int64_t>(0, 4), *rc::gen::inRange<int64_t>(0, 4)};
    const uint64_t bytes = dtype_bytes(tensor.dtype) * static_cast<uint64_t>(tensor.shape[0] * tensor.shape[1]);
    tensor.data = *rc::gen::container<std::string>(bytes, rc::gen::arbitrary<char>());
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

std::string content(FileSystem& files, const std::string& path) {
  return read_text(files, path, 1 << 30);
}

void put(FileSystem& files, const std::string& path, const std::string& text) {
  files.create(path)->write(bytes_of(text));
}

}  // namespace

TEST_CASE("what is written is read back, in any order of writing, with the size and hash that were told") {
  CHECK(rc::check([] {
    MemoryFileSystem files;
    auto tensors = some_tensors();
    const Metadata metadata = {{"made by", "a test"}};
    const WrittenFile written = write_safetensors(files, "/a", sources(tensors), metadata);
    RC_ASSERT(written.size == content(files, "/a").size());
    RC_ASSERT(written.size == safetensors_size(sources(tensors), metadata));
    RC_ASSERT(written.xxh3 == xxh3_hex(content(files, "/a")));

    const SafetensorsFile file(files, "/a");
    RC_ASSERT(file.metadata() == metadata);
    RC_ASSERT(file.tensors().size() == tensors.size());
    for (const Owned& tensor : tensors) {
      std::string data(tensor.data.size(), '?');
      file.read_into(tensor.name, data.data(), data.size());
      RC_ASSERT(data == tensor.data);
      RC_ASSERT(file.find(tensor.name)->shape == tensor.shape);
      RC_ASSERT(file.find(tensor.name)->dtype == tensor.dtype);
      RC_ASSERT(file.find(tensor.name)->offset % dtype_bytes(tensor.dtype) == 0);
      RC_ASSERT(file.hash(*file.find(tensor.name)) == xxh3_hex(tensor.data));
    }
    std::reverse(tensors.begin(), tensors.end());
    write_safetensors(files, "/b", sources(tensors), metadata);
    RC_ASSERT(content(files, "/a") == content(files, "/b"));
  }));
}

TEST_CASE("a changed byte is refused, or shows in the header or the data, and never crashes") {
  CHECK(rc::check([] {
    MemoryFileSystem files;
    write_safetensors(files, "/a", sources(some_tensors()), {{"k", "v"}});
    std::string text = content(files, "/a");
    const SafetensorsFile before(files, "/a");
    const auto at = *rc::gen::inRange<size_t>(0, text.size());
    const char change = *rc::gen::inRange<char>(1, 127), old = text[at];
    text[at] = static_cast<char>(text[at] ^ change);
    put(files, "/b", text);
    const uint64_t header = before.tensors().empty() ? text.size() : before.tensors().front().offset;
    try {
      const SafetensorsFile after(files, "/b");
      RC_ASSERT(before.tensors().size() == after.tensors().size());
      bool same = before.metadata() == after.metadata();
      for (size_t i = 0; i < before.tensors().size(); ++i) {
        const TensorInfo &a = before.tensors()[i], &b = after.tensors()[i];
        same = same && a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && a.offset == b.offset;
      }
      const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
      const bool blank = at < header && space(old) && space(text[at]);  // padding stays padding
      RC_ASSERT(same == (at >= header || blank));
    } catch (const Error& e) {
      RC_ASSERT(e.code() == Code::checkpoint_corrupt);
      RC_ASSERT(at < header);
    }
  }));
}

TEST_CASE("a file cut anywhere or with a byte too many is refused") {
  MemoryFileSystem files;
  const std::vector<Owned> tensors = {{"a", Dtype::f32, {2}, "12345678"}, {"b", Dtype::u8, {}, "9"}};
  write_safetensors(files, "/a", sources(tensors));
  const std::string text = content(files, "/a");
  for (size_t size = 0; size < text.size(); ++size) {
    put(files, "/cut" + std::to_string(size), text.substr(0, size));
    CHECK_THROWS_AS(SafetensorsFile(files, "/cut" + std::to_string(size)), Error);
  }
  put(files, "/long", text + "x");
  CHECK_THROWS_AS(SafetensorsFile(files, "/long"), Error);
}

TEST_CASE("tensors larger than one piece are written and hashed whole") {
  const TempFolder folder;
  const auto files = posix_file_system();
  const std::string big(2 * kPieceBytes + 5, 'q');
  const std::vector<Owned> tensors = {{"big", Dtype::u8, {static_cast<int64_t>(big.size())}, big}};
  write_safetensors(*files, folder.path / "f", sources(tensors));
  const SafetensorsFile file(folder.path / "f");
  std::string back(big.size(), '?');
  file.read_into("big", back.data(), back.size());
  CHECK(back == big);
  CHECK(file.hash(file.tensors()[0]) == xxh3_hex(big));
}

TEST_CASE("asking for a tensor that is not there, or has another size, says so") {
  MemoryFileSystem files;
  write_safetensors(files, "/a", sources({{"w", Dtype::f32, {2}, "12345678"}}));
  const SafetensorsFile file(files, "/a");
  const auto message = [&](const std::string& name, uint64_t size) {
    std::string out(size, '?');
    try {
      file.read_into(name, out.data(), size);
      return std::string();
    } catch (const Error& e) {
      CHECK(e.code() == Code::checkpoint_mismatch);
      return e.line();
    }
  };
  CHECK(message("v", 8) == "/a: error[GC502]: there is no tensor 'v'");
  CHECK(message("w", 4) == "/a: error[GC502]: tensor 'w' has 8 bytes where 4 were expected");
  CHECK(file.find("v") == nullptr);
}

TEST_CASE("a file that shrinks while it is open is an error, not a short tensor") {
  const TempFolder folder;
  const auto files = posix_file_system();
  write_safetensors(*files, folder.path / "f", sources({{"w", Dtype::f32, {2}, "12345678"}}));
  const SafetensorsFile file(folder.path / "f");
  std::filesystem::resize_file(folder.path / "f", file.size() - 3);
  std::array<char, 8> out{};
  CHECK_THROWS_WITH(file.read_into("w", out.data(), out.size()), Catch::Contains("inside tensor 'w'"));
}

TEST_CASE("an existing file is not written over") {
  MemoryFileSystem files;
  write_safetensors(files, "/a", {});
  CHECK_THROWS_AS(write_safetensors(files, "/a", {}), Error);
}
