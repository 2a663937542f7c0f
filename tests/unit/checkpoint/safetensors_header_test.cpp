#include "core/checkpoint/safetensors_header.h"

#include <rapidcheck.h>
#include <algorithm>
#include <cstring>

#include "gptcore/error.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

// A file's first bytes: the length, then `json`.
std::string framed(const std::string& json) {
  const uint64_t length = json.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  return text + json;
}

SafetensorsHeader parse(const std::string& first, uint64_t file_size) {
  return parse_header(std::as_bytes(std::span(first.data(), first.size())), file_size, "x.safetensors");
}

// The refusal of a file with that header and `data` bytes of data, or "" when it is accepted.
std::string refusal(const std::string& json, uint64_t data) {
  try {
    parse(framed(json), 8 + json.size() + data);
    return "";
  } catch (const Error& e) {
    CHECK(e.code() == Code::checkpoint_corrupt);
    CHECK(e.where() == "x.safetensors");
    CHECK(std::string(e.what()).find('\n') == std::string::npos);
    return std::string(e.what()).substr(std::string("not a valid safetensors file: ").size());
  }
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

}  // namespace

TEST_CASE("a valid header is read whole") {
  const std::string json =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},)"
      R"("a":{"shape":[],"data_offsets":[0,2],"dtype":"BF16"},"none":{"dtype":"I64","shape":[0,7],"data_offsets":[26,26]}}   )";
  const auto header = parse(framed(json), 8 + json.size() + 26);
  CHECK(header.metadata == Metadata{{"format", "pt"}});
  CHECK(header.data_start == 8 + json.size());
  REQUIRE(header.tensors.size() == 3);
  CHECK(header.tensors[0].name == "a");
  CHECK(header.tensors[0].shape.empty());
  CHECK((header.tensors[1].name == "b" && header.tensors[1].offset == header.data_start + 2 && header.tensors[1].bytes == 24));
  CHECK(header.tensors[1].shape == std::vector<int64_t>{2, 3});
  CHECK(header.tensors[2].bytes == 0);
  CHECK(refusal("{}", 0).empty());
}

TEST_CASE("each way a header can be wrong is refused in its own words") {
  const auto [json, data, message] = GENERATE(table<std::string, uint64_t, std::string>({
      {"", 0, "its header does not start with '{'"},
      {" {}", 0, "its header does not start with '{'"},
      {"[]", 0, "its header does not start with '{'"},
      {"{", 0, "its header is not JSON at byte 9"},
      {"{}x", 0, "its header is not JSON at byte 10"},
      {"{\"a\xff\":{}}", 0, "its header is not JSON at byte 11"},
      {"{\"a\":1}", 0, "its header has a number at 'a' where none belongs"},
      {"{\"a\":\"b\"}", 0, "its header has a string at 'a' where none belongs"},
      {"{\"a\":null}", 0, "its header has null at 'a' where none belongs"},
      {"{\"a\":[]}", 0, "its header has an array at 'a' where none belongs"},
      {R"({"__metadata__":[]})", 0, "its header has an array at '__metadata__' where none belongs"},
      {R"({"__metadata__":{"a":1}})", 0, "its header has a number at 'a' where none belongs"},
      {R"({"__metadata__":{"a":{}}})", 0, "its header has an object at 'a' where none belongs"},
      {R"({"__metadata__":{"a":"","a":""}})", 0, "the metadata key 'a' occurs twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "the name '__metadata__' occurs twice"},
      {R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{}})", 1, "the name 'a' occurs twice"},
      {R"({"":{}})", 0, "a tensor has an empty name"},
      {R"({"a\u0000b":{}})", 0, "the name 'a?b' holds a control character"},
      {R"({"a\nb":{}})", 0, "the name 'a?b' holds a control character"},
      {R"({"a/../b":{}})", 0, "the name 'a/../b' looks like a path out of the folder"},
      {R"({"../b":{}})", 0, "the name '../b' looks like a path out of the folder"},
      {R"({"/b":{}})", 0, "the name '/b' looks like a path out of the folder"},
      {R"({"t":{}})", 0, "tensor 't' lacks one of dtype, shape and data_offsets"},
      {R"({"t":{"dtype":"U8","shape":[]}})", 0, "tensor 't' lacks one of dtype, shape and data_offsets"},
      {R"({"t":{"colour":1}})", 0, "tensor 't' has an unknown key 'colour'"},
      {R"({"t":{"dtype":"U8","dtype":"U8"}})", 0, "tensor 't' gives 'dtype' twice"},
      {tensor("\"F8\"", "[]", "[0,1]"), 1,
       "tensor 't' has dtype 'F8', which is none of BOOL U8 I8 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64"},
      {tensor("8", "[]", "[0,1]"), 1, "its header has a number at 'dtype' where none belongs"},
      {tensor("\"U8\"", "1", "[0,1]"), 1, "its header has a number at 'shape' where none belongs"},
      {tensor("\"U8\"", "[-1]", "[0,1]"), 1, "its header has a negative number at 'shape' where none belongs"},
      {tensor("\"U8\"", "[1.0]", "[0,1]"), 1,
       "its header has a number that is not a 64-bit integer at 'shape' where none belongs"},
      {tensor("\"U8\"", "[99999999999999999999]", "[0,1]"), 1,
       "its header has a number that is not a 64-bit integer at 'shape' where none belongs"},
      {tensor("\"U8\"", "[true]", "[0,1]"), 1, "its header has a boolean at 'shape' where none belongs"},
      {tensor("\"U8\"", "[[1]]", "[0,1]"), 1, "its header has an array at 'shape' where none belongs"},
      {tensor("\"U8\"", "[18446744073709551615]", "[0,1]"), 1, "tensor 't' has a dimension of 18446744073709551615"},
      {tensor("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "tensor 't' has more than 8 dimensions"},
      {tensor("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0, "tensor 't' is larger than any file"},
      {tensor("\"F64\"", "[2305843009213693952]", "[0,0]"), 0, "tensor 't' is larger than any file"},
      {tensor("\"U8\"", "[1]", "[]"), 1, "tensor 't' does not have two data_offsets"},
      {tensor("\"U8\"", "[1]", "[0]"), 1, "tensor 't' does not have two data_offsets"},
      {tensor("\"U8\"", "[1]", "[0,1,2]"), 1, "tensor 't' has more than two data_offsets"},
      {tensor("\"U8\"", "[1]", "[1,0]"), 1, "tensor 't' ends at 0, before its start at 1"},
      {tensor("\"U16\"", "[1]", "[0,1]"), 1, "tensor 't' has 1 bytes of data where its shape and dtype need 2"},
      {tensor("\"U8\"", "[1]", "[1,2]"), 2,
       "tensor 't' starts at data byte 1, not right after the one before it, which ends at 0"},
      {tensor("\"U8\"", "[1]", "[18446744073709551614,18446744073709551615]"), 1,
       "tensor 't' starts at data byte 18446744073709551614, not right after the one before it, which ends at 0"},
      {tensor("\"U8\"", "[1]", "[0,1]"), 2, "its tensors need 1 bytes of data, the file has 2"},
      {tensor("\"U8\"", "[4]", "[0,4]"), 2, "its tensors need 4 bytes of data, the file has 2"},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3,
       "tensor 'b' starts at data byte 1, inside the one before it, which ends at 2"},
  }));
  CHECK(refusal(json, data) == message);
}

TEST_CASE("a header whose length cannot be true is refused before it is read") {
  const auto refused = [](const std::string& first, uint64_t file_size) {
    try {
      parse(first, file_size);
      return std::string();
    } catch (const Error& e) {
      return std::string(e.what()).substr(std::string("not a valid safetensors file: ").size());
    }
  };
  CHECK(refused("", 0) == "it has 0 bytes, too few for a header");
  CHECK(refused("1234567", 7) == "it has 7 bytes, too few for a header");
  CHECK(refused(std::string(8, '\xff'), 100) == "it announces a header of 18446744073709551615 bytes, more than 16777216");
  CHECK(refused(std::string("\x03\0\0\0\0\0\0\0", 8), 10) ==
        "it announces a header of 3 bytes, and the file has only 10 in all");
  CHECK(refused(std::string("\x03\0\0\0\0\0\0\0{}", 10), 11) == "it ends inside its header");
}

TEST_CASE("names are limited to 256 bytes") {
  const auto named = [](size_t length) {
    return "{\"" + std::string(length, 'n') + R"(":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})";
  };
  CHECK(refusal(named(256), 1).empty());
  CHECK(refusal(named(257), 1) == "the name '" + std::string(80, 'n') + "...' has 257 bytes, more than 256");
}

TEST_CASE("nesting of any depth is refused at its second level") {
  const std::string deep = "{\"a\":" + std::string(1 << 20, '[');
  CHECK(refusal(deep, 0) == "its header has an array at 'a' where none belongs");
  std::string objects = "{";
  for (int i = 0; i < 100000; ++i) objects += "\"a\":{";
  CHECK(refusal(objects, 0) == "tensor 'a' has an unknown key 'a'");
}

TEST_CASE("a formatted header is what parse_header reads, with the data at a multiple of 8") {
  CHECK(rc::check([] {
    const auto count = *rc::gen::inRange<size_t>(0, 12);
    std::vector<TensorInfo> tensors;
    for (size_t i = 0; i < count; ++i) {
      TensorInfo info;
      info.name = *rc::gen::container<std::string>(rc::gen::inRange(' ', 'z'));
      info.name.insert(0, std::to_string(i));
      while (info.name.find("/..") != std::string::npos) info.name.erase(info.name.find("/.."), 1);
      info.dtype = static_cast<Dtype>(*rc::gen::inRange(0, 13));
      info.shape = *rc::gen::resize(8, rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 5)));
      if (info.shape.size() > kMaxDimensions) info.shape.resize(kMaxDimensions);
      tensors.push_back(info);
    }
    const auto metadata = *rc::gen::container<Metadata>(rc::gen::string<std::string>(), rc::gen::just(std::string("v\n\"")));
    Metadata plain;
    for (const auto& [key, value] : metadata) {
      if (std::all_of(key.begin(), key.end(), [](unsigned char c) { return c < 0x80; })) plain[key] = value;
    }
    const std::string text = format_header(tensors, plain);
    RC_ASSERT(text.size() % 8 == 0);
    uint64_t data = 0;
    for (const TensorInfo& info : tensors) {
      uint64_t bytes = dtype_bytes(info.dtype);
      for (const int64_t dimension : info.shape) bytes *= static_cast<uint64_t>(dimension);
      data += bytes;
    }
    const auto header = parse(text, text.size() + data);
    RC_ASSERT(header.metadata == plain);
    RC_ASSERT(header.tensors.size() == tensors.size());
    for (const TensorInfo& info : tensors) {
      const auto found =
          std::find_if(header.tensors.begin(), header.tensors.end(), [&](const auto& t) { return t.name == info.name; });
      RC_ASSERT(found != header.tensors.end());
      RC_ASSERT(found->dtype == info.dtype);
      RC_ASSERT(found->shape == info.shape);
    }
  }));
}

TEST_CASE("a header that parse_header would refuse is never written") {
  const auto code = [](const std::vector<TensorInfo>& tensors) {
    try {
      format_header(tensors, {});
    } catch (const Error& e) {
      return e.code();
    }
    return Code::usage;
  };
  CHECK(code({{"a", Dtype::u8, {1}, 0, 0}, {"a", Dtype::u8, {1}, 0, 0}}) == Code::internal);
  CHECK(code({{"../a", Dtype::u8, {1}, 0, 0}}) == Code::internal);
  CHECK(code({{"a", Dtype::u8, {-1}, 0, 0}}) == Code::internal);
  CHECK(code({{"a", Dtype::u8, {int64_t{1} << 40, int64_t{1} << 40}, 0, 0}}) == Code::internal);
  CHECK(code({{"__metadata__", Dtype::u8, {1}, 0, 0}}) == Code::internal);
}

TEST_CASE("dtypes know their names and sizes") {
  for (int i = 0; i < 13; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    CHECK(dtype_named(dtype_name(dtype)) == dtype);
  }
  CHECK(dtype_bytes(Dtype::boolean) == 1);
  CHECK(dtype_bytes(Dtype::bf16) == 2);
  CHECK(dtype_bytes(Dtype::f32) == 4);
  CHECK(dtype_bytes(Dtype::u64) == 8);
  CHECK_FALSE(dtype_named("f32"));
}
