// The 24 kinds of broken plugin: each is refused with a code of its own, and the program that tried it lives on.
#include <elf.h>

#include <set>

#include "core/plugin/loader.h"
#include "fixture.h"
#include "tests/catch.h"

using namespace gptcore;
namespace fs = std::filesystem;

namespace {

struct Broken {
  const char* kind;
  Code code;
  std::function<std::string(const TempFolder&)> make;  // the file
  std::string first = {};                              // a good plugin that is loaded before it
};

std::function<std::string(const TempFolder&)> built(const char* name) {
  return [=](const TempFolder&) { return fixture(name); };
}

std::function<std::string(const TempFolder&)> copy(std::function<void(std::string&)> change, const char* name = "rogue") {
  return [=](const TempFolder& folder) { return spoiled(folder, change, name); };
}

std::function<std::string(const TempFolder&)> described(std::function<void(gptcore_descriptor&)> change) {
  return [=](const TempFolder& folder) { return with_descriptor(folder, change); };
}

std::string writable(const TempFolder& folder) {
  const std::string path = spoiled(folder, [](std::string&) {});
  fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
  return path;
}

void need_what_is_gone(std::string& bytes) {
  const std::string there = "libfixture_stub.so", gone = "libfixture_gone.so";
  bytes.replace(bytes.find(there), gone.size(), gone);
}

std::vector<Broken> kinds() {
  const auto text = [](const TempFolder& folder) {
    write_raw(folder.path / "text.so", "not a library\n");
    return (folder.path / "text.so").string();
  };
  return {
      {"missing file", Code::plugin_missing, [](const auto& folder) { return (folder.path / "none.so").string(); }},
      {"folder", Code::plugin_is_directory, [](const auto& folder) { return folder.path.string(); }},
      {"text file", Code::plugin_not_elf, text},
      {"truncated", Code::plugin_truncated, copy([](std::string& b) { b.resize(b.size() / 2); })},
      {"other architecture", Code::plugin_architecture,
       copy([](std::string& b) { b[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_RISCV); })},
      {"not a plugin", Code::plugin_no_descriptor, built("no_plugin")},
      {"world-writable", Code::plugin_writable, writable},
      {"unresolved symbol", Code::plugin_unresolved_symbol, built("unresolved")},
      {"missing library", Code::plugin_missing_library, copy(need_what_is_gone, "needs_stub")},
      {"older layout", Code::plugin_epoch_old, described([](auto& d) { d.epoch = GPTCORE_ABI_EPOCH - 1; })},
      {"newer layout", Code::plugin_epoch_new, described([](auto& d) { d.epoch = GPTCORE_ABI_EPOCH + 1; })},
      {"other LibTorch", Code::plugin_torch_version, described([](auto& d) { d.torch_version -= 1; })},
      {"other C++ ABI", Code::plugin_abi_tag, built("glibcxx_debug")},
      {"entry not exported", Code::plugin_no_entry, built("no_entry")},
      {"entry too small", Code::plugin_entry_small, built("small_entry")},
      {"null register", Code::plugin_null_register, built("no_register")},
      {"register throws", Code::plugin_setup_failed, built("throws")},
      {"register hangs", Code::plugin_hangs, built("hangs")},
      {"static init throws", Code::plugin_init_throws, built("init_throws")},
      {"static init crashes", Code::plugin_init_crashes, built("init_crashes")},
      {"item name taken", Code::plugin_clash, built("clash"), fixture("rogue")},
      {"TORCH_LIBRARY taken", Code::plugin_torch_library, built("operators_two"), fixture("operators_one")},
      {"bad schema", Code::plugin_bad_schema, built("bad_schema")},
      {"second LibTorch", Code::plugin_second_runtime, built("second_torch")},
  };
}

std::string number_of(Code code) {
  return "GC" + std::to_string(static_cast<int>(code));
}

}  // namespace

TEST_CASE("24 kinds of broken plugin are refused, each with its own code, path and hint, and the program lives on") {
  const TempFolder cache;
  const Variable place("XDG_CACHE_HOME", cache.path.string()), seconds("GPTCORE_PROBE_SECONDS", "0.5");
  std::set<Code> codes;
  for (const Broken& broken : kinds()) {
    INFO(broken.kind);
    const TempFolder folder;
    const std::string path = broken.make(folder);
    PluginSet set;
    if (!broken.first.empty()) set.load(broken.first);
    const auto e = error_of([&] { set.load(path); });
    REQUIRE(e);
    std::printf("%-20s %s\n", broken.kind, e->line().c_str());
    CHECK(e->code() == broken.code);
    CHECK(exit_code(e->code()) == 3);
    CHECK(codes.insert(e->code()).second);
    CHECK(e->line().find(path) != std::string::npos);
    CHECK(e->line().find('\n') == std::string::npos);
    CHECK(!e->hint().empty());
    CHECK(set.plugins().size() == (broken.first.empty() ? 0 : 1));
  }
  CHECK(codes.size() == 24);
  PluginSet alive;
  CHECK_NOTHROW(alive.load(fixture("rogue")));
}

TEST_CASE("the program shows each kind's line and exits with 3, never by a signal") {
  const TempFolder cache;
  const Variable place("XDG_CACHE_HOME", cache.path.string()), seconds("GPTCORE_PROBE_SECONDS", "0.5");
  for (const Broken& broken : kinds()) {
    INFO(broken.kind);
    const TempFolder folder;
    const std::string first = broken.first.empty() ? "" : " --plugin " + broken.first;
    const Answer answer = run("exec " PROGRAM + first + " --plugin " + broken.make(folder));
    CHECK(answer.status == 3);
    CHECK_THAT(answer.text, Catch::Matchers::Contains("error[" + number_of(broken.code) + "]: "));
  }
}

TEST_CASE("every code of a plugin's refusal is in docs/errors.md") {
  const char* source = std::getenv("GPTCORE_SOURCE");
  REQUIRE(source);
  const std::string text = read_raw(fs::path(source) / "docs/errors.md");
  for (int code = static_cast<int>(Code::plugin_missing); code <= static_cast<int>(Code::plugin_lock_differs); ++code)
    CHECK_THAT(text, Catch::Matchers::Contains("| " + number_of(static_cast<Code>(code)) + " |"));
}
