#include "core/plugin/lock_file.h"

#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// The lock file of rogue, changed by `change`.
std::string lock_of_rogue(const TempFolder& folder, const std::function<void(LockedPlugin&)>& change) {
  LockedPlugin plugin = locked(read_plugin_file(fixture("rogue")));
  change(plugin);
  write_raw(folder.path / "gptcore.lock", to_toml({plugin}));
  return (folder.path / "gptcore.lock").string();
}

Error refusal(const std::vector<std::string>& files, const std::string& lock) {
  const auto e = error_of([&] { require_locked(files, lock); });
  REQUIRE(e);
  CHECK(!e->hint().empty());
  return *e;
}

}  // namespace

TEST_CASE("a lock file comes back as it was written") {
  const TempFolder folder;
  const std::vector<LockedPlugin> before = {{"a", "1", "ff", "00", "/some \"path\"\n"}, {"b", "2", "ee", "", ""}};
  write_raw(folder.path / "x.lock", to_toml(before));
  const auto after = read_lock_file((folder.path / "x.lock").string());
  REQUIRE(after.size() == 2);
  CHECK(after[0].path == before[0].path);
  CHECK(after[0].build_id == "00");
  CHECK(after[1].name == "b");
  CHECK(after[1].sha256 == "ee");
}

TEST_CASE("a locked plugin passes, wherever its file is and whatever its build id") {
  const TempFolder folder;
  const std::string lock = lock_of_rogue(folder, [](LockedPlugin& p) { p.path = p.build_id = "other"; });
  CHECK_NOTHROW(require_locked({fixture("rogue"), spoiled(folder, [](std::string&) {})}, lock));
}

TEST_CASE("drift is refused with plugin, expected and found") {
  const TempFolder folder;
  const std::string lock = lock_of_rogue(folder, [](LockedPlugin& p) { p.sha256 = std::string(64, '0'); });
  const Error e = refusal({fixture("rogue")}, lock);
  CHECK(e.code() == Code::plugin_lock_differs);
  CHECK(e.where() == fixture("rogue"));
  CHECK_THAT(e.what(), Contains("plugin 'rogue' is 1.2.3 with sha256 ") && Contains("expects 1.2.3 with sha256 000000"));
  CHECK_THAT(refusal({fixture("clash")}, lock).what(), Contains("plugin 'clash' is not in"));
  CHECK(refusal({fixture("clash")}, lock).code() == Code::plugin_not_locked);
}

TEST_CASE("what is no lock file is refused") {
  const TempFolder folder;
  const std::string path = (folder.path / "x.lock").string();
  CHECK_THAT(refusal({}, path).what(), Contains("there is no lock file"));
  for (const char* text : {"", "plugin = 3", "= ="}) {
    write_raw(path, text);
    CHECK(refusal({}, path).code() == Code::plugin_not_locked);
  }
}
