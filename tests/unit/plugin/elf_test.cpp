#include "core/plugin/elf.h"

#include <elf.h>

#include <algorithm>
#include <random>

#include "core/plugin/elf_tables.h"
#include "core/plugin/runtime_use.h"
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

// Everything that is read of a plugin's file before it runs.
void read_all(const std::string& path) {
  const ElfFile elf(path);
  elf.section(GPTCORE_ABI_SECTION, 1 << 16);
  needed_libraries(elf);
  build_id(elf);
  runtime_use(elf);
}

// The refusal's code and text; "" when the file was read.
std::string refusal(const std::string& path) {
  const auto e = error_of([&] { read_all(path); });
  if (!e) return {};
  CHECK(exit_code(e->code()) == 3);
  CHECK(e->where() == path);
  CHECK(!e->hint().empty());
  return std::to_string(static_cast<int>(e->code())) + " " + e->what();
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
  CHECK_THAT(refusal((folder.path / "none.so").string()), Contains("200 ") && Contains("No such file"));
  CHECK_THAT(refusal(folder.path.string()), Contains("204 is a folder"));
  CHECK_THAT(refusal(file_with(folder, "")), Contains("205 is empty"));
  CHECK_THAT(refusal(file_with(folder, "hello\n")), Contains("205 is a text file"));
  CHECK_THAT(refusal(file_with(folder, std::string("\0\1\2\3", 4))), Contains("205 is not an ELF file"));
  CHECK_THAT(refusal(file_with(folder,
                               "\x7f"
                               "ELF")),
             Contains("206 is truncated"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[EI_CLASS] = ELFCLASS32; })), Contains("207 is not a 64-bit"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV); })),
             Contains("207 was built for architecture number 243"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC; })),
             Contains("205 is an ELF file but not a shared library"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b.resize(b.size() / 2); })), Contains("206 is truncated"));
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

TEST_CASE("a library's tables say what it needs, its build id and its symbols") {
  const ElfFile elf(fixture("needs_stub"));
  const auto needed = needed_libraries(elf);
  CHECK(std::find(needed.begin(), needed.end(), "libfixture_stub.so") != needed.end());
  const std::string id = build_id(ElfFile(fixture("rogue")));
  CHECK(id.size() >= 16);
  CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK_THAT(run("readelf -n " + fixture("rogue")).text, Catch::Matchers::Contains(id));

  bool imported = false, exported = false;
  each_symbol(elf, [&](const ElfSymbol& s) {
    imported |= s.name == "gptcore_test_stub" && !s.defined;
    exported |= s.name == "gptcore_plugin_v1" && s.defined && s.strong;
  });
  CHECK(imported);
  CHECK(exported);
}

TEST_CASE("a plugin's copy of LibTorch or NCCL is seen, a user of LibTorch's headers is none") {
  CHECK(runtime_use(ElfFile(fixture("second_torch"))).second_copy == "LibTorch: it defines c10::GetCPUAllocator()");
  CHECK(runtime_use(ElfFile(fixture("second_nccl"))).second_copy == "NCCL: it defines ncclGroupStart");
  for (const char* good : {"rogue", "operators_one"}) CHECK(runtime_use(ElfFile(fixture(good))).second_copy.empty());
  CHECK(runtime_use(ElfFile(fixture("operators_one"))).registers_operators);
  CHECK(!runtime_use(ElfFile(fixture("rogue"))).registers_operators);
}
