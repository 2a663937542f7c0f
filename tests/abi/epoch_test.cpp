// Plugins built from the frozen headers of an epoch stand for binaries that authors have built and shipped.
#include <dlfcn.h>

#include <cstdlib>
#include <fstream>

#include "core/plugin/loader.h"
#include "gptcore/error.h"
#include "tests/catch.h"

using namespace gptcore;

namespace {

std::string fixture(const std::string& name) {
  return std::string(std::getenv("GPTCORE_BUILD")) + "/tests/abi/" + name;
}

}  // namespace

TEST_CASE("a plugin of this epoch's first SDK loads and works", "[abi]") {
  PluginSet plugins;
  plugins.load(fixture("epoch2_plugin.so"));
  const auto tokenizer = plugins.tokenizer("blank", {{"token", int64_t{3}}});
  CHECK(tokenizer->vocab_size() == 4);
  CHECK(tokenizer->encode("ab") == std::vector<int32_t>{3, 3});
  CHECK_THROWS_WITH(tokenizer->decode(std::vector<int32_t>{1}), Catch::Contains("only 3 has a text"));
}

TEST_CASE("a plugin of the epoch before is refused by name", "[abi]") {
  PluginSet plugins;
  try {
    plugins.load(fixture("epoch1_plugin.so"));
    FAIL("it was loaded");
  } catch (const Error& e) {
    CHECK(e.code() == Code::plugin_epoch_old);
    CHECK_THAT(e.what(), Catch::Contains("layout 1") && Catch::Contains("has 2"));
    CHECK_THAT(e.hint(), Catch::Contains("build the plugin again"));
  }
}

TEST_CASE("the SDK's library still exports every symbol of this epoch's first SDK", "[abi]") {
  std::ifstream names(std::string(std::getenv("GPTCORE_SOURCE")) + "/tests/abi/epoch2/symbols.txt");
  void* library = ::dlopen((std::string(std::getenv("GPTCORE_BUILD")) + "/lib/libgptcore_sdk.so").c_str(), RTLD_NOW);
  REQUIRE(library);
  int count = 0;
  for (std::string name; std::getline(names, name); ++count) {
    CAPTURE(name);
    CHECK(::dlsym(library, name.c_str()));
  }
  CHECK(count > 50);
}
