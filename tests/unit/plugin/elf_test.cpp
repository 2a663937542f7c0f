#include "core/plugin/elf.h"

#include <elf.h>

#include <random>

#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

// The refusal's text; "" when the file was read.
std::string refusal(const std::string& path) {
  const auto e = error_of([&] { ElfFile(path).section(GPTCORE_ABI_SECTION, 1 << 16); });
  if (!e) return {};
  CHECK((e->code() == Code::plugin_refused || e->code() == Code::plugin_missing));
  CHECK(e->where() == path);
  CHECK(!e->hint().empty());
  return e->what();
}

std::string file_with(const TempFolder& folder, const std::string& bytes) {
  write_raw(folder.path / "x.so", bytes);
  return (folder.path / "x.so").string();
}

}  // namespace

TEST_CASE("a section is read from a shared library") {
  const ElfFile elf(fixture("rogue"));
  REQUIRE(elf.section(GPTCORE_ABI_SECTION, 1 << 16)->size() == sizeof(gptcore_descriptor));
  REQUIRE(!elf.section(".no.such.section", 100));
}

TEST_CASE("a section beyond the limit is refused") {
  const ElfFile elf(fixture("rogue"));
  REQUIRE_THROWS_AS(elf.section(GPTCORE_ABI_SECTION, 255), Error);
}

TEST_CASE("whatever is not a shared library of this machine is refused with its own message") {
  const TempFolder folder;
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal((folder.path / "none.so").string()), Contains("No such file"));
  CHECK_THAT(refusal(folder.path.string()), Contains("is a folder"));
  CHECK_THAT(refusal(file_with(folder, "")), Contains("is empty"));
  CHECK_THAT(refusal(file_with(folder, "hello\n")), Contains("is a text file"));
  CHECK_THAT(refusal(file_with(folder, std::string("\0\1\2\3", 4))), Contains("is not an ELF file"));
  CHECK_THAT(refusal(file_with(folder,
                               "\x7f"
                               "ELF")),
             Contains("truncated"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[EI_CLASS] = ELFCLASS32; })), Contains("64-bit"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV); })),
             Contains("was built for architecture number 243"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC; })),
             Contains("not a shared library"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b.resize(b.size() / 2); })), Contains("truncated"));
}

TEST_CASE("a file cut off at any place is refused, never read beyond its end") {
  const TempFolder folder;
  const std::string whole = read_raw(fixture("rogue"));
  for (size_t size = 0; size < whole.size(); size += whole.size() / 37)
    REQUIRE(!refusal(file_with(folder, whole.substr(0, size))).empty());
}

TEST_CASE("random damage to the ELF structures never does worse than a refusal") {
  const TempFolder folder;
  const std::string whole = read_raw(fixture("rogue"));
  Elf64_Ehdr header{};
  std::memcpy(&header, whole.data(), sizeof header);
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = whole;
    const bool in_header = random() % 2 == 0;
    const size_t begin = in_header ? 0 : header.e_shoff, size = in_header ? sizeof header : bytes.size() - begin;
    for (int n = 0; n < 4; ++n) bytes[begin + random() % size] = static_cast<char>(random());
    refused += !refusal(file_with(folder, bytes)).empty();
  }
  REQUIRE(refused > 30);
}
