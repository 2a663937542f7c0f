#include "core/base/hash.h"

#include <string>

#include "core/base/file_system.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("xxh3 gives what xxhsum -H2 prints") {
  CHECK(xxh3_hex("") == "99aa06d3014798d86001c324468d497f");
  CHECK(xxh3_hex("abc") == "06b05ab6733a618578af5f94892f3950");
}

TEST_CASE("hashing in pieces equals hashing at once") {
  const std::string text(300, 'x');
  Sha256 sha;
  Xxh3 xxh;
  for (size_t begin = 0; begin < text.size(); begin += 7) {
    sha.update(bytes_of(std::string_view(text).substr(begin, 7)));
    xxh.update(bytes_of(std::string_view(text).substr(begin, 7)));
  }
  CHECK(sha.hex() == sha256_hex(text));
  CHECK(xxh.hex() == xxh3_hex(text));
}

TEST_CASE("a file longer than one piece is hashed to its end") {
  const TempFolder folder;
  const std::string text(kPieceBytes + 17, 'y');
  write_raw(folder.path / "long", text);
  CHECK(sha256_hex_of_file(folder.path / "long") == sha256_hex(text));
}

TEST_CASE("hashing a file that is not there names it") {
  try {
    sha256_hex_of_file("/nowhere/at/all");
    FAIL("no error");
  } catch (const Error& e) {
    CHECK(e.code() == Code::io);
    CHECK(std::string(e.what()) == "cannot open '/nowhere/at/all': No such file or directory");
  }
}
