#include "core/plugin/search.h"

#include "core/plugin/plugin_file.h"
#include "core/plugin/trust.h"
#include "fixture.h"
#include "gptcore/version.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::string refusal(const std::string& path) {
  const auto e = error_of([&] { read_plugin_file(path); });
  REQUIRE(e);
  CHECK(e->where() == path);
  CHECK(!e->hint().empty());
  return std::to_string(static_cast<int>(e->code())) + " " + e->what();
}

}  // namespace

TEST_CASE("a plugin file says what it is without being loaded") {
  const PluginFile file = read_plugin_file(fixture("rogue"));
  CHECK(file.name == "rogue");
  CHECK(file.version == "1.2.3");
  CHECK(file.items.size() == 3);
  CHECK(file.items[0].params.size() == 6);
  CHECK(file.items[0].params[1].words.at(0).number == 0.5);
  CHECK(file.items[0].file == file.path);
}

TEST_CASE("a plugin built for another program is refused with what was found and what was expected") {
  const TempFolder folder;
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.epoch = 1; })),
             Contains("212 plugin 'rogue' was built for plugin layout 1, this program has 2"));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.epoch = 3; })),
             Contains("213 ") && Contains("layout 3, this program has 2"));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.sdk_version = 20304; })),
             Contains("226 ") && Contains("SDK 2.3.4, this program has 0."));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.sdk_version = GPTCORE_SDK_VERSION + 100; })), Contains("226 "));
  CHECK(read_plugin_file(with_descriptor(folder, [](auto& d) { d.sdk_version = GPTCORE_SDK_VERSION + 1; })).name == "rogue");
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.torch_version = 209; })),
             Contains("214 ") && Contains("LibTorch 2.9, this program has 2."));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { std::strcpy(d.abi_tag, "x86_64;libc++"); })),
             Contains("215 ") && Contains("C++ ABI x86_64;libc++, this program has "));
  CHECK_THAT(refusal(fixture("glibcxx_debug")),
             Contains("215 ") && Contains(";glibcxx_debug") && Contains(", this program has "));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { std::memset(d.abi_tag, 'x', sizeof d.abi_tag); })),
             Contains("215 "));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.magic[3] = 'x'; })), Contains("208 its descriptor is damaged"));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { d.size = 128; })),
             Contains("217 its descriptor has 128 bytes, expected 256"));
  CHECK_THAT(refusal(with_descriptor(folder, [](auto& d) { std::strcpy(d.name, "other"); })),
             Contains("228 its manifest is of plugin 'rogue'"));
}

TEST_CASE("a library that is no plugin, or has no manifest, is refused") {
  const TempFolder folder;
  CHECK_THAT(refusal(fixture("no_plugin")), Contains("208 is a shared library but not a gptcore plugin"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b.replace(b.find(".gptcore.manifest"), 17, ".gptcore.manifesx"); })),
             Contains("227 ") && Contains("no manifest"));
  CHECK_THAT(refusal(spoiled(folder, [](std::string& b) { b[b.find("{\"plugin\"")] = '['; })),
             Contains("227 its manifest is damaged"));
  CHECK_THAT(
      refusal(spoiled(folder, [](std::string& b) { b.replace(b.find("\"size\"", b.find("{\"plugin\"")), 6, "\"Size\""); })),
      Contains("224 has an invalid manifest") && Contains("'Size': expects a name"));
}

TEST_CASE("given files come before the search path, and a file found twice counts once") {
  const TempFolder folder;
  const std::string copy = spoiled(folder, [](std::string&) {});
  const Variable path("GPTCORE_PLUGIN_PATH", folder.path.string() + "::" + folder.path.string());
  fs::create_hard_link(copy, folder.path / "again.so");
  fs::create_symlink(copy, folder.path / "link.so");
  std::vector<Error> refused;
  const Catalog catalog = read_catalog({copy}, refused);
  REQUIRE(refused.empty());
  REQUIRE(catalog.find(Kind::tokenizer, "rogue")->file == fs::canonical(copy));
  REQUIRE(catalog.find(Kind::tokenizer, "rogue:rogue") == catalog.find(Kind::tokenizer, "rogue"));
  REQUIRE(catalog.find(Kind::model, "rogue") == nullptr);
}

TEST_CASE("the installed plugins are found beside the program") {
  std::vector<Error> refused;
  const Catalog catalog = read_catalog({}, refused);
  REQUIRE(program_folder().ends_with("/bin"));
  for (const Error& e : refused) UNSCOPED_INFO(e.line());
  REQUIRE(refused.empty());
}

TEST_CASE("two plugins with one item are a clash that names both") {
  std::vector<Error> refused;
  const Catalog catalog = read_catalog({fixture("rogue"), fixture("clash")}, refused);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].code() == Code::plugin_clash);
  CHECK(refused[0].where() == fixture("clash"));
  CHECK_THAT(refused[0].what(),
             Contains("tokenizer 'rogue' is offered by plugin 'clash' and by plugin 'rogue' (" + fixture("rogue")));
  CHECK(catalog.find(Kind::tokenizer, "alone") == nullptr);  // all of a plugin or nothing
}

TEST_CASE("a name that an installed plugin has is an error of the newcomer, which tells how it can be meant") {
  std::vector<Error> refused;
  const Catalog catalog = read_catalog({fixture("twin")}, refused);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].code() == Code::plugin_clash);
  CHECK(refused[0].where() == fixture("twin"));
  CHECK_THAT(refused[0].what(), Contains("logger 'jsonl' is offered by plugin 'twin' and by plugin 'jsonl' (/"));
  CHECK_THAT(refused[0].hint(), Contains("override = true in [plugins]"));
  CHECK(catalog.find(Kind::logger, "jsonl")->plugin == "jsonl");
  CHECK(catalog.find(Kind::logger, "only_child") == nullptr);
}

TEST_CASE("with override a newcomer's item has the name, and the installed one is found with its plugin's") {
  std::vector<Error> refused;
  Catalog core;
  core.add({Kind::dataset, "rogue", "doc", {}, "core", "1", "", nullptr});
  const Catalog catalog = read_catalog({fixture("twin"), fixture("rogue")}, refused, core, true);
  CHECK(catalog.find(Kind::logger, "jsonl")->plugin == "twin");
  CHECK(catalog.find(Kind::logger, "jsonl:jsonl")->plugin == "jsonl");
  const auto names = catalog.names(Kind::logger);
  CHECK(std::count(names.begin(), names.end(), "jsonl") == 1);
  REQUIRE(refused.size() == 1);  // the core's own stay
  CHECK(refused[0].where() == fixture("rogue"));
  CHECK(refused[0].hint() == "give it another name");
}

TEST_CASE("override does not decide between two newcomers") {
  const TempFolder folder;
  const fs::path copy = folder.path / "twin.so";
  fs::copy_file(fixture("twin"), copy);
  std::vector<Error> refused;
  read_catalog({fixture("twin"), copy.string()}, refused, {}, true);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].where() == copy.string());
  CHECK(refused[0].hint() == "load only one of them");
}

TEST_CASE("a plugin cannot replace an item of the core") {
  Catalog core;
  core.add({Kind::dataset, "rogue", "doc", {}, "core", "1", "", nullptr});
  std::vector<Error> refused;
  read_catalog({fixture("rogue")}, refused, core);
  REQUIRE(refused.size() == 1);
  CHECK_THAT(refused[0].what(), Contains("by gptcore itself"));
}

TEST_CASE("one broken plugin does not hide the others") {
  std::vector<Error> refused;
  const Catalog catalog = read_catalog({"/no/such.so", fixture("no_plugin"), fixture("rogue")}, refused);
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].code() == Code::plugin_missing);
  CHECK(refused[1].code() == Code::plugin_no_descriptor);
  CHECK(catalog.find(Kind::dataset, "rogue"));
}

TEST_CASE("the search path takes absolute folders that exist") {
  const Variable path("GPTCORE_PLUGIN_PATH", "plugins:/no/such/folder");
  std::vector<Error> refused;
  read_catalog({}, refused);
  REQUIRE(refused.size() == 2);
  CHECK_THAT(refused[0].what(), Contains("'plugins'"));
  CHECK(refused[1].where() == "/no/such/folder");
}

TEST_CASE("safe mode finds installed plugins only") {
  const Variable safe(kSafeModeVariable, "1"), path("GPTCORE_PLUGIN_PATH", FIXTURES);
  std::vector<Error> refused;
  const Catalog catalog = read_catalog({fixture("rogue")}, refused);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].code() == Code::plugin_unsafe);
  CHECK(refused[0].where() == fixture("rogue"));
  CHECK(catalog.find(Kind::tokenizer, "rogue") == nullptr);
  CHECK(catalog.find(Kind::tokenizer, "char"));
}
