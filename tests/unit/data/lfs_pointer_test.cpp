// Files that a clone without Git LFS has in the data's place.
#include "core/data/corpus/line_reader.h"
#include "core/data/corpus/token_file.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a Git LFS pointer in a data file's place is named as one") {
  const TempFolder folder;
  const auto file = folder.path / "train.bin";
  write_raw(file, "version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 603\n");
  CHECK_THROWS_WITH(TokenFile(file, TokenFormat::raw, 2), Catch::Contains("this is a Git LFS pointer"));
  std::string text;
  CHECK_THROWS_WITH(open_bytes(file)->read(text), Catch::Contains("this is a Git LFS pointer"));
}
