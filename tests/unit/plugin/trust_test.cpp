#include "core/plugin/trust.h"

#include <unistd.h>

#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// "GCnnn text"; "" when the path is trusted.
std::string refusal(const std::string& path) {
  const auto e = error_of([&] { require_trusted(path); });
  if (!e) return {};
  CHECK(!e->hint().empty());
  CHECK(e->where() == path);
  return std::to_string(static_cast<int>(e->code())) + " " + e->what();
}

void others_may_write(const fs::path& path, bool may) {
  fs::permissions(path, fs::perms::others_write, may ? fs::perm_options::add : fs::perm_options::remove);
}

}  // namespace

TEST_CASE("a plugin's path has a slash") {
  CHECK_THAT(refusal("libmine.so"), Contains("230 ") && Contains("'libmine.so'"));
  CHECK(refusal("./libmine.so").empty());
}

TEST_CASE("a plugin that every user may write, or whose folder they may, is refused") {
  const TempFolder folder;
  const std::string path = spoiled(folder, [](std::string&) {});
  REQUIRE(refusal(path).empty());
  others_may_write(path, true);
  CHECK_THAT(refusal(path), Contains("209 the file may be written by every user"));
  others_may_write(path, false);
  others_may_write(folder.path, true);
  CHECK_THAT(refusal(path), Contains("209 its folder"));
  fs::permissions(folder.path, fs::perms::sticky_bit, fs::perm_options::add);
  CHECK(refusal(path).empty());  // as in /tmp, others cannot replace it
}

TEST_CASE("a link is as safe as the less safe of the two folders") {
  const TempFolder folder, other;
  const fs::path link = other.path / "link.so";
  fs::create_symlink(spoiled(folder, [](std::string&) {}), link);
  REQUIRE(refusal(link.string()).empty());
  others_may_write(other.path, true);
  CHECK_THAT(refusal(link.string()), Contains("209 the link's folder"));
  others_may_write(other.path, false);
  others_may_write(folder.path, true);
  CHECK_THAT(refusal(link.string()), Contains("209 its folder"));
}

TEST_CASE("a plugin of another user is refused, root's are not") {
  CHECK(refusal("/bin/sh").empty());
  if (::geteuid() != 0) return;  // nobody else can give files away
  const TempFolder folder;
  const std::string path = spoiled(folder, [](std::string&) {});
  constexpr uid_t kOther = 12345;
  REQUIRE(::chown(path.c_str(), kOther, static_cast<gid_t>(-1)) == 0);
  CHECK_THAT(refusal(path), Contains("229 the file belongs to user 12345, expected user 0"));
}

TEST_CASE("what is insecure is allowed when the user says so") {
  const TempFolder folder;
  const std::string path = spoiled(folder, [](std::string&) {});
  others_may_write(path, true);
  const Variable allow(kAllowInsecureVariable, "1");
  CHECK(refusal(path).empty());
  CHECK_FALSE(refusal("libmine.so").empty());
}

TEST_CASE("safe mode is on with a value other than 0") {
  CHECK(!safe_mode());
  const Variable off(kSafeModeVariable, "0");
  CHECK(!safe_mode());
  const Variable on(kSafeModeVariable, "1");
  CHECK(safe_mode());
}
