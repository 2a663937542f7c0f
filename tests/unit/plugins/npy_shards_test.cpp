#include "built_in.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// What numpy.save writes, with that header text and version.
std::string npy(const std::string& dictionary, const std::string& data, int version = 1) {
  std::string text = dictionary;
  const size_t begin = version == 1 ? 10 : 12;
  while ((begin + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  for (size_t i = 0; i < begin - 8; ++i) out += static_cast<char>(text.size() >> (8 * i));
  return out + text + data;
}

std::string dictionary(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <class Id> std::string bytes(const std::vector<Id>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(Id)};
}

Table values(const TempFolder& folder) {
  return {{"path", folder.path.string()}, {"vocab_size", 60000}};
}

}  // namespace

TEST_CASE("numpy's shards are one sequence in the order of their names, those for validation apart") {
  const TempFolder folder;
  write_raw(folder.path / "edu_train_000002.npy", npy(dictionary("<u2", "(3,)"), bytes<uint16_t>({4, 5, 6})));
  write_raw(folder.path / "edu_train_000001.npy", npy(dictionary("<u4", "(3,)"), bytes<uint32_t>({50256, 2, 3}), 2));
  write_raw(folder.path / "edu_val_000000.npy", npy(dictionary("<u2", "(5,)"), bytes<uint16_t>({9, 8, 7, 6, 5})));
  write_raw(folder.path / "notes.txt", "not read");
  const OpenDataset d("npy_shards", values(folder), 4);
  CHECK(d.dataset->tokens(Split::train) == 6);
  CHECK(d.dataset->tokens(Split::val) == 5);
  const Row row = row_of(*d.dataset, Split::train, Order::sequential, 0);
  CHECK(row.ids == std::vector<int64_t>{50256, 2, 3, 4});
  CHECK(row.targets == std::vector<int64_t>{2, 3, 4, 5});
  CHECK(row_of(*d.dataset, Split::val, Order::sequential, 0).targets == std::vector<int64_t>{8, 7, 6, 5});
}

TEST_CASE("an array that is no row of uint16 or uint32 is refused with what it is") {
  const TempFolder folder;
  const auto file = folder.path / "train.npy";
  const std::string six = bytes<uint16_t>({1, 2, 3, 4, 5, 6});
  const auto check = [&](const std::string& content, const std::string& part) {
    write_raw(file, content);
    const Error e = error_of([&] { OpenDataset("npy_shards", values(folder), 4); });
    INFO(e.line());
    CHECK(e.code() == Code::data_corrupt);
    CHECK_THAT(e.what(), Contains(part));
    CHECK(e.where() == file.string());
  };
  check(npy(dictionary("<i8", "(6,)"), six), "array of '<i8'");
  check(npy(dictionary(">u2", "(6,)"), six), "array of '>u2'");
  check(npy(dictionary("<f4", "(3,)"), six), "'<u2' (uint16)");
  check(npy(dictionary("<u2", "(6,)", "True"), six), "Fortran order");
  check(npy(dictionary("<u2", "(2, 3)"), six), "more than one dimension");
  check(npy(dictionary("<u2", "()"), six.substr(0, 2)), "single number");
  check(npy(dictionary("<u2", "(7,)"), six), "counts 7 ids of 2 bytes, but 12 bytes follow");
  check(npy(dictionary("<u2", "(9223372036854775807,)"), six), "but 12 bytes follow");
  check(npy(dictionary("<u2", "(-6,)"), six), "shape that is not a number");
  check(npy(dictionary("<u2", "(6,)"), six, 3), "version 3");
  check(npy("{'descr': '<u2', 'shape': (6,), }", six), "no descr, fortran_order or shape");
  check(npy("{'descr': '<u2', 'descr': '<u2', }", six), "the key 'descr'");
  check(npy("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (6,), }", six), "missing text in quotes");
  check(npy(dictionary("<u2", "(6,)") + " junk", six), "text after the dictionary");
  check("PK\x03\x04 a zip archive, as numpy.savez writes", "does not begin with \\x93NUMPY");
  check(npy(dictionary("<u2", "(6,)"), six).substr(0, 40), "truncated");
  check(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff", 12), "header of 4294967295 bytes");
}

TEST_CASE("an empty array and an id beyond the vocabulary are refused by shard") {
  const TempFolder folder;
  write_raw(folder.path / "a.npy", npy(dictionary("<u2", "(0,)"), ""));
  CHECK(error_of([&] { OpenDataset("npy_shards", values(folder), 4); }).code() == Code::data_empty);
  write_raw(folder.path / "a.npy", npy(dictionary("<u2", "(2,)"), bytes<uint16_t>({1, 2})));
  write_raw(folder.path / "b.npy", npy(dictionary("<u2", "(4,)"), bytes<uint16_t>({3, 60001, 5, 6})));
  const OpenDataset d("npy_shards", values(folder), 4);
  const Error e = error_of([&] { row_of(*d.dataset, Split::train, Order::sequential, 0); });
  CHECK(e.code() == Code::token_out_of_range);
  CHECK_THAT(e.what(), Contains("id 60001 at token 1 (byte 130, read as uint16)"));
  CHECK(e.where() == (folder.path / "b.npy").string());
}
