// Datasets that are made of others, in a pipeline file.
#include "core/config/sources.h"

#include "core/builtin/core_items.h"
#include "core/config/load.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

ItemInfo dataset(const std::string& name, std::vector<ParamSpec> params) {
  ItemInfo out;
  out.kind = Kind::dataset;
  out.name = name;
  out.plugin = name;
  out.file = "/plugins/" + name + ".so";
  out.params = std::move(params);
  return out;
}

ParamSpec param(const std::string& name, Type type, Value fallback) {
  ParamSpec out;
  out.name = name;
  out.type = type;
  out.fallback = std::move(fallback);
  return out;
}

Catalog catalog() {
  Catalog out;
  add_core_items(out);
  out.add(dataset("mix", {param("source", Type::any, {})}));
  out.add(dataset("plain", {param("path", Type::path, ""), param("size", Type::integer, 7), param("extra", Type::text, {})}));
  return out;
}

struct File : TempFolder {
  PipelineConfig load(const std::string& text) const {
    write_raw(path / "p.toml", text);
    return load_pipeline({(path / "p.toml").string(), {}, {}}, catalog());
  }
  Error error(const std::string& text) const {
    try {
      load(text);
    } catch (const ConfigErrors& e) {
      REQUIRE(e.errors().size() == 1);
      return e.errors().front();
    }
    throw std::logic_error("nothing was thrown");
  }
};

}  // namespace

TEST_CASE("the tables of a dataset's sources are completed as its own are, however deep") {
  const File f;
  const PipelineConfig config = f.load(
      "[dataset]\nuse = \"mix\"\n[[dataset.source]]\nuse = \"plain\"\npath = \"a\"\nweight = 2\n"
      "[[dataset.source]]\nuse = \"mix\"\nsource = { use = \"plain\", path = \"b\", size = 3 }\n");
  const List& sources = find(config.dataset->values, "source")->as<List>();
  CHECK(sources[0] == Value(Table{{"use", "plain"}, {"weight", 2}, {"path", (f.path / "a").string()}, {"size", 7}}));
  const Table inner = {{"use", "plain"}, {"path", (f.path / "b").string()}, {"size", 3}};
  CHECK(sources[1] == Value(Table{{"use", "mix"}, {"source", inner}}));
  CHECK(sources_of(config.dataset->values) == std::vector<std::string>{"plain", "mix", "plain"});
  CHECK(files_used(config, catalog()) == std::vector<std::string>{"/plugins/mix.so", "/plugins/plain.so"});

  const TempFolder elsewhere;
  write_raw(elsewhere.path / "again.toml", config.to_toml());
  CHECK(load_pipeline({(elsewhere.path / "again.toml").string(), {}, {}}, catalog()).to_toml() == config.to_toml());
}

TEST_CASE("a mistake in a source is told with its line") {
  const File f;
  const std::string head = "[dataset]\nuse = \"mix\"\nsource = [{ use = \"plain\", ";
  const Error unknown = f.error(head + "pth = \"a\" }]\n");
  CHECK(unknown.code() == Code::unknown_key);
  CHECK_THAT(unknown.where(), Contains("p.toml:3:"));
  CHECK_THAT(unknown.line(), Contains("source 'plain' has no parameter 'pth'") && Contains("did you mean 'path'"));
  CHECK(f.error(head + "size = \"x\" }]\n").code() == Code::wrong_type);
  const Error name = f.error("[dataset]\nuse = \"mix\"\nsource = { use = \"plein\" }\n");
  CHECK(name.code() == Code::unknown_name);
  CHECK_THAT(name.hint(), Contains("did you mean 'plain'"));
}
