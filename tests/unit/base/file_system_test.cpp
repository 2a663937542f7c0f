#include "core/base/file_system.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <functional>

#include "gptcore/error.h"
#include "tests/unit/base/fault_file_system.h"
#include "tests/unit/base/memory_file_system.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

void make_file(FileSystem& files, const std::filesystem::path& path, std::string_view text) {
  const auto file = files.create(path);
  file->write(bytes_of(text));
  file->close();
}

// Runs the same claims on the real file system and on the one that stands in for it.
struct Both {
  TempFolder folder;
  MemoryFileSystem memory;
  std::unique_ptr<FileSystem> posix = posix_file_system();
  template <class F> void run(F&& claims) {
    SECTION("posix") {
      claims(*posix, folder.path);
    }
    SECTION("memory") {
      claims(memory, std::filesystem::path("/"));
    }
  }
};

Code code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.code();
  }
  return Code::usage;
}

}  // namespace

TEST_CASE("a file is never created over another") {
  Both().run([](FileSystem& files, const std::filesystem::path& at) {
    make_file(files, at / "a", "one");
    CHECK_THROWS_AS(files.create(at / "a"), Error);
    CHECK(read_text(files, at / "a", 10) == "one");
  });
}

TEST_CASE("rename_new never replaces, rename does") {
  Both().run([](FileSystem& files, const std::filesystem::path& at) {
    make_file(files, at / "a", "one");
    make_file(files, at / "b", "two");
    CHECK_THROWS_AS(files.rename_new(at / "a", at / "b"), Error);
    CHECK(read_text(files, at / "b", 10) == "two");
    files.rename(at / "a", at / "b");
    CHECK(read_text(files, at / "b", 10) == "one");
    files.rename_new(at / "b", at / "c");
    CHECK(files.list(at).size() == 1);
  });
}

TEST_CASE("two folders change places") {
  Both().run([](FileSystem& files, const std::filesystem::path& at) {
    files.make_directory(at / "a");
    files.make_directory(at / "b");
    make_file(files, at / "a" / "f", "of a");
    if (!files.exchange(at / "a", at / "b")) return;  // not every file system can
    CHECK(read_text(files, at / "b" / "f", 10) == "of a");
    CHECK(files.list(at / "a").empty());
    CHECK_THROWS_AS(files.exchange(at / "a", at / "none"), Error);
  });
}

TEST_CASE("a list is in the order of names and tells kinds and sizes") {
  Both().run([](FileSystem& files, const std::filesystem::path& at) {
    files.make_directory(at / "c");
    make_file(files, at / "b", "12345");
    make_file(files, at / "a", "");
    const auto entries = files.list(at);
    REQUIRE(entries.size() == 3);
    CHECK((entries[0].name == "a" && entries[0].kind == FileKind::file && entries[0].size == 0));
    CHECK((entries[1].name == "b" && entries[1].size == 5));
    CHECK((entries[2].name == "c" && entries[2].kind == FileKind::directory));
    CHECK_THROWS_AS(files.list(at / "none"), Error);
  });
}

TEST_CASE("reading past the end gives what is there") {
  Both().run([](FileSystem& files, const std::filesystem::path& at) {
    make_file(files, at / "a", "12345");
    const auto file = files.open(at / "a");
    std::array<std::byte, 4> out{};
    CHECK(file->read_at(3, out) == 2);
    CHECK(file->read_at(9, out) == 0);
    CHECK_THROWS_AS(read_text(files, at / "a", 4), Error);
  });
}

TEST_CASE("a tree is removed whole, and one that is not there is no error") {
  Both().run([](FileSystem& files, const std::filesystem::path& at) {
    make_directories(files, at / "a" / "b" / "c");
    make_file(files, at / "a" / "b" / "f", "1");
    CHECK_THROWS_AS(files.remove_directory(at / "a"), Error);
    remove_tree(files, at / "a");
    remove_tree(files, at / "a");
    CHECK(files.list(at).empty());
  });
}

TEST_CASE("removing a tree does not follow a symbolic link out of it") {
  const TempFolder folder;
  const auto files = posix_file_system();
  make_directories(*files, folder.path / "tree");
  make_directories(*files, folder.path / "precious");
  write_raw(folder.path / "precious" / "f", "1");
  std::filesystem::create_symlink(folder.path / "precious", folder.path / "tree" / "link");
  remove_tree(*files, folder.path / "tree");
  CHECK(read_raw(folder.path / "precious" / "f") == "1");
  CHECK(files->kind(folder.path / "tree") == FileKind::absent);
}

TEST_CASE("folders that could not all be made are not left half made") {
  for (int call = 1;; ++call) {
    MemoryFileSystem memory;
    FaultFileSystem faults(memory);
    faults.plan(call, FaultFileSystem::Fault::fail_once, EIO);
    const Code code = code_of([&] { make_directories(faults, "/a/b/c/"); });
    if (!faults.struck()) {
      CHECK(memory.kind("/a/b/c") == FileKind::directory);
      CHECK(memory.after_power_loss()->kind("/a/b/c") == FileKind::directory);
      break;
    }
    CHECK(code == Code::io);
    CHECK(memory.list("/").empty());
  }
}

TEST_CASE("a full device is told apart from other failures") {
  CHECK(code_of([] { throw_file_error(ENOSPC, "write", "f"); }) == Code::disk_full);
  CHECK(code_of([] { throw_file_error(EDQUOT, "write", "f"); }) == Code::disk_full);
  CHECK(code_of([] { throw_file_error(EIO, "write", "f"); }) == Code::io);
}

TEST_CASE("what is no regular file is not opened, and a pipe does not make us wait") {
  const TempFolder folder;
  const auto files = posix_file_system();
  REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
  CHECK(code_of([&] { files->open(folder.path / "pipe"); }) == Code::io);
  CHECK(code_of([&] { files->open(folder.path); }) == Code::io);
}
