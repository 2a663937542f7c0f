#include "core/plugin/loader.h"

#include "core/plugin/installation.h"
#include "core/plugin/program_host.h"
#include "core/plugin/trust.h"
#include "fixture.h"
#include "gptcore/draft/datasets.h"
#include "tests/catch.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// Loading must fail, take nothing in and say which file it was.
Error load_error(const std::string& path) {
  PluginSet set;
  const auto e = error_of([&] { set.load(path); });
  REQUIRE(e);
  CHECK(e->where() == path);
  CHECK(set.plugins().empty());
  CHECK_THROWS_AS(set.tokenizer("half", {}), Error);
  return *e;
}

struct SilentHost final : Host {
  std::string logged;
  void log(Level, std::string_view text) override { logged += text; }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
};

}  // namespace

TEST_CASE("an entry that returns nothing, or is of another layout, is refused") {
  CHECK_THAT(load_error(fixture("null_entry")).what(), Contains("returned null"));
  const Error old = load_error(fixture("old_entry"));
  CHECK(old.code() == Code::plugin_epoch_old);
  CHECK_THAT(old.what(), Contains("has layout 0, expected 2"));
}

TEST_CASE("a setup function that throws registers nothing") {
  const Error known = load_error(fixture("throws"));
  CHECK(known.code() == Code::plugin_setup_failed);
  CHECK_THAT(known.what(), Contains("plugin 'broken' failed in its setup function: no luck"));
  CHECK_THAT(load_error(fixture("throws_int")).what(), Contains("not a std::exception"));
}

TEST_CASE("a plugin that registers other items than its manifest lists is refused") {
  const TempFolder folder;
  const std::string path = spoiled(folder, [](std::string& b) { b[b.find("vocabulary size", b.find("{\"plugin\""))] = 'V'; });
  const Error e = load_error(path);
  CHECK(e.code() == Code::plugin_manifest_differs);
  CHECK_THAT(e.what(), Contains("other items than its manifest"));
}

TEST_CASE("loading a plugin twice changes nothing, loading another with its item is a clash") {
  PluginSet set;
  set.load(fixture("rogue"));
  set.load(fixture("rogue"));
  REQUIRE(set.plugins().size() == 1);
  const auto e = error_of([&] { set.load(fixture("clash")); });
  REQUIRE(e);
  CHECK(e->code() == Code::plugin_clash);
  CHECK_THAT(e->what(), Contains("plugin 'clash' and by plugin 'rogue'"));
  CHECK_THROWS_AS(set.tokenizer("alone", {}), Error);
}

TEST_CASE("loading goes through the rules of trust and safe mode") {
  CHECK(load_error("fixture_rogue.so").code() == Code::plugin_bare_name);
  const Variable safe(kSafeModeVariable, "1");
  CHECK(load_error(fixture("rogue")).code() == Code::plugin_unsafe);
}

TEST_CASE("a plugin compiled by clang loads into this program") {
  if (!std::filesystem::exists(fixture("clang"))) {
    WARN("skipped: no clang++ when this was built");
    return;
  }
  PluginSet set;
  set.load(fixture("clang"));
  CHECK(set.tokenizer("half", {})->vocab_size() == 1);
}

TEST_CASE("an object gets its parameters and answers through the boundary") {
  PluginSet set;
  set.load(fixture("rogue"));
  const auto tokenizer = set.tokenizer("rogue:rogue", {{"size", 42}, {"rate", "half"}});
  CHECK(tokenizer->vocab_size() == 42);
  CHECK(tokenizer->decode(std::vector<int32_t>{1, 2, 3}) == "3");
  CHECK(tokenizer->special("end") == 3);
  CHECK(!tokenizer->special("start"));
  CHECK(tokenizer->ready());

  SilentHost host;
  const auto dataset = set.dataset("rogue", {});
  DatasetContext context;
  context.host = &host;
  dataset->open(context);
  CHECK(host.logged == "opened");
  CHECK(dataset->tokens(Split::val) == 5);
}

TEST_CASE("what a plugin throws becomes an error that names plugin, item and method") {
  PluginSet set;
  set.load(fixture("rogue"));
  const auto dataset = set.dataset("rogue", {});
  Batch batch;
  const auto e = error_of([&] { dataset->batch({}, batch); });
  REQUIRE(e);
  CHECK(e->code() == Code::plugin_failed);
  CHECK(e->what() == std::string("plugin 'rogue', dataset 'rogue', in batch(): no batch"));
  CHECK(e->where() == fixture("rogue"));
  CHECK_THAT(error_of([&] { dataset->windows(Split::train); })->what(), Contains("in windows(): no windows"));
  CHECK_THAT(error_of([&] { set.logger("rogue", {}); })->what(), Contains("logger 'rogue', in create(): cannot be made"));
  CHECK_THAT(error_of([&] {
               set.tokenizer("rogue", {{"mode", "int"}})->encode("x");
             })->what(),
             Contains("in encode(): an exception"));
}

TEST_CASE("what a plugin's extension throws is named as well") {
  PluginSet set;
  set.load(fixture("rogue"));
  const auto dataset = set.dataset("rogue", {});
  auto* const controls = extension_of<SampleControls>(*dataset);
  REQUIRE(controls);
  CHECK(extension_of<SampleControls>(*dataset) == controls);
  CHECK(dataset->extension("gptcore.none/1") == nullptr);
  const auto e = error_of([&] { throw_if_failed(controls->set_from("x", 1, 0)); });
  REQUIRE(e);
  CHECK(e->what() == std::string("plugin 'rogue', dataset 'rogue', in SampleControls::set_from(): no controls"));
  CHECK(e->where() == fixture("rogue"));
}

TEST_CASE("an item of an installed plugin gives way to another one of its name, and is found with its plugin's name") {
  const std::string installed = installed_plugins_folder() + "/jsonl.so";
  const bool first = GENERATE(true, false);
  PluginSet set;
  set.load(first ? installed : fixture("twin"));
  set.load(first ? fixture("twin") : installed);
  CHECK(set.item(Kind::logger, "jsonl").doc == "a line an event");
  CHECK(set.item(Kind::logger, "jsonl:jsonl").doc != "a line an event");
}

TEST_CASE("an exception of LibTorch loses its stack trace at the boundary") {
  PluginSet set;
  set.load(fixture("rogue"));
  const auto e = error_of([&] { set.tokenizer("rogue", {{"mode", "c10"}})->encode("x"); });
  REQUIRE(e);
  CHECK(e->what() == std::string("plugin 'rogue', tokenizer 'rogue', in encode(): a tensor is wrong"));
}

TEST_CASE("a plugin's own error keeps its code, hint and place") {
  PluginSet set;
  set.load(fixture("rogue"));
  const auto e = error_of([&] { set.tokenizer("rogue", {{"mode", "error"}})->encode("q"); });
  REQUIRE(e);
  CHECK(e->code() == Code::unknown_character);
  CHECK(e->what() == std::string("no character q"));
  CHECK(e->hint() == "use another");
  CHECK(e->where() == "here");
}

TEST_CASE("an item's own rules are checked before an object is made") {
  PluginSet set;
  set.load(fixture("rogue"));
  const auto e = error_of([&] { set.tokenizer("rogue", {{"size", 13}}); });
  REQUIRE(e);
  CHECK(e->code() == Code::conflict);
  CHECK_THAT(e->what(), Contains("tokenizer 'rogue': 'size': 13 brings bad luck") && Contains("(use 14)"));
}

TEST_CASE("an item that no plugin offers is an unknown name") {
  const PluginSet set;
  const auto e = error_of([&] { set.dataset("text", {}); });
  REQUIRE(e);
  CHECK(e->code() == Code::unknown_name);
  CHECK_THAT(e->what(), Contains("dataset 'text'"));
}
