// gptcore-probe, run as the build runs it.
#include "core/plugin/probe.h"
#include "core/plugin/manifest.h"
#include "core/plugin/plugin_file.h"
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Answer probe(const std::string& plugin, const std::string& out) {
  return run(PROBE " '" + plugin + "' '" + out + "'");
}

}  // namespace

TEST_CASE("the probe writes the manifest that the build put into the file") {
  const TempFolder folder;
  const std::string out = (folder.path / "m.json").string();
  REQUIRE(probe(fixture("rogue"), out).status == 0);
  const PluginFile file = read_plugin_file(fixture("rogue"));
  REQUIRE(read_raw(out) == to_json({file.name, file.version, file.items}));
}

TEST_CASE("the probe refuses a wrong description in one line that names every mistake") {
  const TempFolder folder;
  const std::string out = (folder.path / "m.json").string();
  const Answer answer = probe(fixture("bad_schema"), out);
  CHECK(answer.status == 1);
  CHECK_THAT(answer.text, Contains("'rank': the default does not fit") && Contains("'rank': is declared twice") &&
                              Contains("'Mode': expects a name") && Contains("'silent': has no doc") &&
                              Contains("'choice': the default does not fit") && Contains("'bad': is registered twice") &&
                              Contains("'bad': has no doc"));
  CHECK(answer.text.find('\n') == answer.text.size() - 1);
  CHECK(!std::filesystem::exists(out));
}

TEST_CASE("the probe survives plugins that cannot be asked") {
  const TempFolder folder;
  const std::string out = (folder.path / "m.json").string();
  const std::pair<const char*, const char*> cases[] = {
      {"throws", "in its setup function: no luck"},
      {"throws_int", "not a std::exception"},
      {"init_throws", "the plugin threw: no disk"},
      {"no_entry", "does not export"},
      {"unresolved", "needs the symbol gptcore_test_symbol_that_nobody_defines"},
      {"missing", "cannot open"}};
  for (const auto& [name, text] : cases) {
    const Answer answer = probe(fixture(name), out);
    CHECK(answer.status == 1);
    CHECK_THAT(answer.text, Contains(text));
  }
}

TEST_CASE("a plugin that went well is remembered, and asked again when its file or the list is gone") {
  const TempFolder folder, cache;
  const Variable place("XDG_CACHE_HOME", cache.path.string());
  const auto probe_now = [](const std::string& path) { probe_plugin(read_plugin_file(path), {}); };
  const std::string path = spoiled(folder, [](std::string&) {});
  probe_now(path);
  REQUIRE(std::distance(fs::directory_iterator(cache.path / "gptcore/probed"), {}) == 1);

  const Variable unusable("GPTCORE_PROBE_SECONDS", "soon");  // only a probe that takes place reads it
  CHECK_NOTHROW(probe_now(path));
  spoiled(folder, [](std::string& b) { b += "more"; });
  CHECK_THROWS_WITH(probe_now(path), Contains("GPTCORE_PROBE_SECONDS expects a number of seconds above 0, got 'soon'"));
  spoiled(folder, [](std::string&) {});
  CHECK_NOTHROW(probe_now(path));
  fs::remove_all(cache.path / "gptcore");
  CHECK_THROWS_AS(probe_now(path), Error);
}

TEST_CASE("without a cache folder a plugin is probed each time") {
  for (const char* place : {"/proc/none", "relative"}) {
    const Variable cache("XDG_CACHE_HOME", place), home("HOME", "/proc/none");
    CHECK_NOTHROW(probe_plugin(read_plugin_file(fixture("operators_one")), {}));
  }
}

TEST_CASE("a plugin that fails is never remembered") {
  const TempFolder cache;
  const Variable place("XDG_CACHE_HOME", cache.path.string());
  for (int i = 0; i < 2; ++i) {
    const auto e = error_of([&] { probe_plugin(read_plugin_file(fixture("init_crashes")), {}); });
    REQUIRE(e);
    CHECK(e->code() == Code::plugin_init_crashes);
  }
  CHECK(!fs::exists(cache.path / "gptcore/probed"));
}

TEST_CASE("a setup function that crashes, and a static initialiser that ends the process, are refused") {
  const TempFolder cache;
  const Variable place("XDG_CACHE_HOME", cache.path.string());
  const auto setup = error_of([] { probe_plugin(read_plugin_file(fixture("setup_crashes")), {}); });
  REQUIRE(setup);
  CHECK(setup->code() == Code::plugin_setup_failed);
  CHECK_THAT(setup->what(), Contains("plugin 'broken'") && Contains("in its setup function"));
  const auto exits = error_of([] { probe_plugin(read_plugin_file(fixture("init_exits")), {}); });
  REQUIRE(exits);
  CHECK(exits->code() == Code::plugin_init_crashes);
  CHECK_THAT(exits->what(), Contains("ended the process with status 0"));
}
