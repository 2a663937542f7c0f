#include "core/base/atomic_file.h"

#include <cerrno>

#include "gptcore/error.h"
#include "tests/unit/base/fault_file_system.h"
#include "tests/unit/base/memory_file_system.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
using Fault = FaultFileSystem::Fault;

TEST_CASE("an atomic write makes the file, then replaces it") {
  const TempFolder folder;
  const auto files = posix_file_system();
  write_file_atomically(*files, folder.path / "LATEST", "old");
  CHECK(read_raw(folder.path / "LATEST") == "old");
  write_file_atomically(*files, folder.path / "LATEST", "new");
  CHECK(read_raw(folder.path / "LATEST") == "new");
  CHECK(files->list(folder.path).size() == 1);
}

TEST_CASE("a temporary file of a killed process is no obstacle") {
  const TempFolder folder;
  const auto files = posix_file_system();
  write_raw(folder.path / "LATEST.tmp", "half of someth");
  write_file_atomically(*files, folder.path / "LATEST", "new");
  CHECK(read_raw(folder.path / "LATEST") == "new");
  CHECK(files->list(folder.path).size() == 1);
}

TEST_CASE("whichever call fails, the old content stays until the new is whole") {
  for (const int error : {ENOSPC, EIO}) {
    for (int call = 1;; ++call) {
      MemoryFileSystem memory;
      write_file_atomically(memory, "/f", "old");
      FaultFileSystem faults(memory);
      faults.plan(call, Fault::fail_once, error);
      try {
        write_file_atomically(faults, "/f", "new");
      } catch (const Error& e) {
        CHECK(e.code() == (error == ENOSPC ? Code::disk_full : Code::io));
      }
      const std::string now = read_text(memory, "/f", 10);
      CHECK((now == "old" || now == "new"));
      CHECK(memory.list("/").size() == 1);
      if (faults.struck()) continue;
      CHECK(call > 7);  // kind, create, write, sync, close, rename, sync_directory
      CHECK(now == "new");
      break;
    }
  }
}

TEST_CASE("after a power loss at any sync the file is the old or the new one") {
  std::mt19937 random(1);
  MemoryFileSystem memory;
  write_file_atomically(memory, "/f", "old");
  int images = 0;
  const auto look = [&] {
    for (int i = 0; i < 30; ++i, ++images) {
      const auto image = memory.after_power_loss(i == 0 ? nullptr : &random);
      const std::string now = read_text(*image, "/f", 10);
      CHECK((now == "old" || now == "new"));
    }
  };
  memory.before_sync = look;
  write_file_atomically(memory, "/f", "new");
  CHECK(images == 60);
  CHECK(read_text(*memory.after_power_loss(), "/f", 10) == "new");
}
