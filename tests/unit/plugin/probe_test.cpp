// gptcore-probe, run as the build runs it.
#include "core/plugin/manifest.h"
#include "core/plugin/plugin_file.h"
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

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
                              Contains("'Mode': wants a name") && Contains("'silent': has no doc") &&
                              Contains("'choice': the default does not fit") && Contains("'bad': is registered twice") &&
                              Contains("'bad': has no doc"));
  CHECK(answer.text.find('\n') == answer.text.size() - 1);
  CHECK(!std::filesystem::exists(out));
}

TEST_CASE("the probe survives plugins that cannot be asked") {
  const TempFolder folder;
  const std::string out = (folder.path / "m.json").string();
  const std::pair<const char*, const char*> cases[] = {{"throws", "setup function failed: no luck"},
                                                       {"throws_int", "not a std::exception"},
                                                       {"no_entry", "does not export"},
                                                       {"unresolved", "undefined symbol"},
                                                       {"missing", "cannot open"}};
  for (const auto& [name, text] : cases) {
    const Answer answer = probe(fixture(name), out);
    CHECK(answer.status == 1);
    CHECK_THAT(answer.text, Contains(text));
  }
}
