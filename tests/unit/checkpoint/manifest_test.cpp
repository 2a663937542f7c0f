#include "core/checkpoint/manifest.h"

#include "core/base/hash.h"
#include "gptcore/error.h"
#include "tests/unit/base/memory_file_system.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

CheckpointManifest sample() {
  return {7, {{"a.txt", 3, xxh3_hex("abc")}, {"b.txt", 0, xxh3_hex("")}}};
}

std::string refusal(const std::string& text) {
  try {
    parse_checkpoint_manifest(text, "m");
    return "";
  } catch (const Error& e) {
    CHECK(e.code() == Code::checkpoint_corrupt);
    CHECK(e.where() == "m");
    return e.what();
  }
}

// A manifest whose own hash is right whatever it says.
std::string signed_text(const std::string& body) {
  const std::string text = body + ",\n  \"xxh3\": \"";
  return text + xxh3_hex(text) + "\"\n}\n";
}

}  // namespace

TEST_CASE("a manifest reads back as it was written") {
  const CheckpointManifest manifest = parse_checkpoint_manifest(format_checkpoint_manifest(sample()), "m");
  CHECK(manifest.step == 7);
  REQUIRE(manifest.files.size() == 2);
  CHECK((manifest.files[0].name == "a.txt" && manifest.files[0].size == 3));
  CHECK(manifest.files[1].xxh3 == xxh3_hex(""));
  CHECK(manifest.find("a.txt") == &manifest.files[0]);
  CHECK(manifest.find("c.txt") == nullptr);
}

TEST_CASE("a manifest notices any changed bit of itself") {
  const std::string text = format_checkpoint_manifest(sample());
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      CHECK_FALSE(refusal(changed).empty());
    }
  }
}

TEST_CASE("a manifest cut anywhere, or with more after it, is refused") {
  const std::string text = format_checkpoint_manifest(sample());
  for (size_t size = 0; size < text.size(); ++size) CHECK_FALSE(refusal(text.substr(0, size)).empty());
  CHECK_FALSE(refusal(text + "\n").empty());
}

TEST_CASE("a manifest with a right hash and wrong content is refused") {
  const std::string head = R"({"format": "gptcore-checkpoint", "version": 1, "step": 1, "files": )";
  CHECK(refusal(signed_text(head + "[]")).empty());
  CHECK_FALSE(refusal(signed_text(head + "[1]")).empty());
  CHECK_FALSE(refusal(signed_text(head + "[" + std::string(10000, '['))).empty());
  CHECK_FALSE(refusal(signed_text(head + R"([{"name": "../a", "size": 1, "xxh3": ""}])")).empty());
  CHECK_FALSE(refusal(signed_text(head + R"([{"name": "a", "size": "1", "xxh3": ""}])")).empty());
  CHECK_FALSE(refusal(signed_text(R"({"format": "other", "version": 1, "step": 1, "files": [])")).empty());
  CHECK_FALSE(refusal(signed_text(R"({"format": "gptcore-checkpoint", "version": 2, "step": 1, "files": [])")).empty());
  CHECK_FALSE(refusal(signed_text(R"({"format": "gptcore-checkpoint", "version": 1, "files": [])")).empty());
}

TEST_CASE("files of a checkpoint have plain names") {
  for (const std::string good : {"a", "model.safetensors", "rank-0001.json", "A_b.9"}) CHECK(file_name_problem(good).empty());
  for (const std::string bad : {"", ".", "..", ".hidden", "a/b", "a b", "manifest.json", "\n"}) {
    CHECK_FALSE(file_name_problem(bad).empty());
  }
  CHECK_FALSE(file_name_problem(std::string(101, 'a')).empty());
}

TEST_CASE("a file's difference from its record is told") {
  MemoryFileSystem files;
  files.create("/a.txt")->write(bytes_of("abc"));
  files.make_directory("/d");
  CHECK(file_problem(files, "/", {"a.txt", 3, xxh3_hex("abc")}).empty());
  CHECK(file_problem(files, "/", {"b.txt", 3, ""}) == "it is missing");
  CHECK(file_problem(files, "/", {"d", 3, ""}) == "it is not a regular file");
  CHECK(file_problem(files, "/", {"a.txt", 4, ""}) == "it has 3 bytes, the manifest says 4");
  CHECK(file_problem(files, "/", {"a.txt", 3, "0"}) == "its xxh3 is 06b05ab6733a618578af5f94892f3950, the manifest says 0");
}
