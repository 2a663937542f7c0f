// Which loggers a pipeline has that names none, and after which file its run is named.
#include "core/options/run_options.h"
#include "tests/catch.h"
#include "tests/unit/config/fixture.h"

using namespace gptcore;

namespace {

Lines loggers_of(const Fixture& f, const std::vector<std::string>& defaults, const std::vector<std::string>& settings = {}) {
  LoadRequest request = f.request(settings);
  request.default_loggers = defaults;
  Lines uses;
  for (const Section& logger : load_pipeline(request, f.catalog).loggers) uses.push_back(logger.use);
  return uses;
}

}  // namespace

TEST_CASE("a pipeline without loggers gets the program's, as far as they are installed", "[config][loggers]") {
  CHECK(loggers_of(Fixture("[run]\n"), {"console", "jsonl"}) == Lines{"console", "jsonl"});
  CHECK(loggers_of(Fixture("[run]\n"), {"console", "absent"}) == Lines{"console"});
  CHECK(loggers_of(Fixture("[[logger]]\nuse = \"jsonl\"\n"), {"console", "jsonl"}) == Lines{"jsonl"});
}

TEST_CASE("a key of a default logger keeps the others", "[config][loggers]") {
  CHECK(loggers_of(Fixture("[run]\n"), {"console", "jsonl"}, {"logger.jsonl.every=3"}) == Lines{"console", "jsonl"});
}

TEST_CASE("the logger none stands for no logger at all", "[config][loggers]") {
  const Fixture none("[[logger]]\nuse = \"none\"\n");
  CHECK(loggers_of(none, {"console", "jsonl"}).empty());
  CHECK(Fixture("[[logger]]\nuse = \"none\"\n[[logger]]\nuse = \"jsonl\"\n").errors() ==
        Lines{"pipeline.toml:2:7: error[GC106]: a logger is \"none\", and there are others; leave it out, or the others"});
  CHECK(Fixture("[[logger]]\nuse = \"none\"\nevery = 3\n").errors() ==
        Lines{"pipeline.toml:3:1: error[GC102]: logger 'none' has no parameter 'every'; leave it out"});
}

TEST_CASE("a saved config without loggers gets none when it is loaded again", "[config][loggers]") {
  const std::string text = Fixture("[[logger]]\nuse = \"none\"\n").load().to_toml();
  const Fixture saved(text);
  CHECK(loggers_of(saved, {"console", "jsonl"}).empty());
}

TEST_CASE("a run is named after its pipeline file", "[config][load]") {
  const auto [file, name] = GENERATE(table<std::string, std::string>({{"small.toml", "small"},
                                                                      {"sub/gpt2_124m.v2.toml", "gpt2_124m.v2"},
                                                                      {"my run \xc3\xa4.toml", "my-run---"},
                                                                      {".toml", "toml"},
                                                                      {"plain", "plain"}}));
  Fixture f("");
  std::filesystem::create_directory("sub");
  f.file = file;
  write_raw(file, "");
  INFO(file);
  const PipelineConfig config = f.load();
  CHECK(config.run.as<RunOptions>().name == name);
  CHECK(origin_of(config.run, "name") == "the pipeline file's name");
  CHECK(f.load({"run.name=given"}).run.as<RunOptions>().name == "given");
}

TEST_CASE("a saved run keeps its name in a file of another", "[config][load]") {
  Fixture f("");
  f.file = "small.toml";
  write_raw("small.toml", "");
  write_raw("other.toml", f.load().to_toml());
  f.file = "other.toml";
  CHECK(f.load().run.as<RunOptions>().name == "small");
}
