// Checks a plugin's file, whatever it offers.
#include <time.h>

#include <filesystem>

#include "core/builtin/core_items.h"
#include "core/plugin/manifest.h"
#include "core/plugin/runtime_use.h"
#include "core/plugin/search.h"
#include "gptcore/abi.h"
#include "gptcore/error.h"
#include "testkit/case_process.h"
#include "testkit/cases.h"
#include "testkit/elf_facts.h"

namespace gptcore {
namespace {

constexpr double kLoadLimitMs = 5;

std::string joined(const std::vector<std::string>& all, size_t most = 3) {
  std::string text;
  for (size_t i = 0; i < all.size() && i < most; ++i) text += (i ? ", " : "") + all[i];
  return all.size() > most ? text + " and " + std::to_string(all.size() - most) + " more" : text;
}

void one_export(const PluginFile& plugin) {
  std::vector<std::string> others = elf_facts(plugin.path).exported;
  const bool has_entry = std::erase(others, GPTCORE_ENTRY_SYMBOL) > 0;
  expect(has_entry, "it does not export " GPTCORE_ENTRY_SYMBOL);
  expect(others.empty(), "it exports " + joined(others) +
                             " besides " GPTCORE_ENTRY_SYMBOL "; link it with the version script of gptcore_add_plugin()");
}

void no_unique_symbols(const PluginFile& plugin) {
  const auto unique = elf_facts(plugin.path).unique;
  expect(unique.empty(), "it exports STB_GNU_UNIQUE symbols: " + joined(unique) + "; compile it with -fvisibility=hidden");
}

void no_second_runtime(const PluginFile& plugin) {
  const std::string copy = runtime_use(ElfFile(plugin.path)).second_copy;
  expect(copy.empty(), "it brings its own " + copy + "; link the shared libraries");
}

void safe_segments(const PluginFile& plugin) {
  const ElfFacts facts = elf_facts(plugin.path);
  expect(!facts.writable_code, "it has a segment that is writable and executable");
  expect(!facts.executable_stack, "it asks for an executable stack; link it with -z noexecstack");
}

std::string runtime_schema(const PluginFile& plugin, const PluginSet& loaded) {
  Manifest registered{plugin.name, plugin.version, {}};
  for (const ItemInfo& item : plugin.items)
    registered.items.push_back(describe(loaded.item(item.kind, item.name), plugin.name, plugin.version));
  return to_json(registered);
}

void loads_twice(const PluginFile& plugin) {
  PluginSet first, second;
  first.load(plugin.path);
  second.load(plugin.path);
  expect(runtime_schema(plugin, first) == runtime_schema(plugin, second),
         "its setup function registers other items the second time");
}

void manifest_is_true(const PluginFile& plugin) {
  PluginSet loaded;
  loaded.load(plugin.path);
  expect(runtime_schema(plugin, loaded) == to_json({plugin.name, plugin.version, plugin.items}),
         "its manifest differs from what it registers; build it again");
}

double processor_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

void loads_within_limit(const std::string& path) {
  PluginSet loaded;
  const double start = processor_ms();
  loaded.load(path);
  const double ms = processor_ms() - start;
  char text[80];
  std::snprintf(text, sizeof text, "loading and registering took %.1f ms of processor time, more than %.0f", ms, kLoadLimitMs);
  expect(ms <= kLoadLimitMs, text);
}

// A slow plugin is slow each time; a busy machine is not.
void loads_fast(const PluginFile& plugin) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  throw CaseSkipped("times mean nothing under a sanitizer");
#endif
  constexpr int kAttempts = 3;
  constexpr double kSeconds = 2;
  Verdict verdict;
  for (int i = 0; i < kAttempts; ++i) {
    verdict = run_in_child([&] { loads_within_limit(plugin.path); }, kSeconds);
    if (verdict.result == Result::ok) return;
  }
  expect(false, verdict.reason);
}

size_t threads_now() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

void starts_no_thread(const PluginFile& plugin) {
  const size_t before = threads_now();
  PluginSet loaded;
  loaded.load(plugin.path);
  expect(threads_now() == before, "loading it starts a thread; start threads in open()");
}

void names_are_well_formed(const PluginFile& plugin) {
  expect(is_name(plugin.name), "its name '" + plugin.name + "' is not like my_plugin");
  expect(!plugin.items.empty(), "it offers no item");
  for (const ItemInfo& item : plugin.items) {
    expect(is_name(item.name), "the item's name '" + item.name + "' is not like my_item");
    for (const ParamSpec& p : item.params)
      expect(is_name(p.name), item.name + ": the parameter's name '" + p.name + "' is not like my_key");
  }
}

// Compares with the names that every pipeline finds: the core's own items and the installed plugins'.
void names_are_free(const PluginFile& plugin, bool replaces) {
  Catalog core;
  add_core_items(core);
  std::vector<Error> refused;  // others' faults are not this one's
  const Catalog catalog = read_catalog({}, refused, std::move(core));
  std::error_code absent;
  for (const ItemInfo& item : plugin.items) {
    const ItemInfo* other = catalog.find(item.kind, item.name);
    if (!other || (!other->file.empty() && (replaces || std::filesystem::equivalent(other->file, plugin.path, absent))))
      continue;
    const Error clash = name_clash(item, *other, "");
    const std::string text = clash.what() + std::string("; ") + clash.hint();
    if (other->plugin == plugin.name) throw CaseSkipped(text);  // an older build of this one
    throw CaseFailed(text);
  }
}

void all_is_documented(const PluginFile& plugin) {
  for (const ItemInfo& item : plugin.items) {
    expect(!item.doc.empty(), "item '" + item.name + "' has no description");
    for (const ParamSpec& p : item.params) expect(!p.doc.empty(), item.name + "." + p.name + " has no description");
  }
}

// Compares a run of built-in items before and after the plugin is loaded.
void idle_changes_nothing(const PluginFile& plugin) {
  ItemSubject nobody(plugin, {}, {}, 0);
  TinyPlan plan;
  const ScratchFolder without, with;
  const RunOutcome before = nobody.run(plan, without);
  plan.file = plugin.path;
  expect_equal(before, nobody.run(plan, with), "a run in which the plugin is loaded and not used differs from one without it");
}

}  // namespace

void add_name_case(const PluginFile& plugin, bool replaces, Cases& cases) {
  cases.push_back({"file/free_names", [=] { names_are_free(plugin, replaces); }});
}

void add_file_cases(const PluginFile& plugin, Cases& cases) {
  const auto add = [&](const char* name, void (*run)(const PluginFile&)) {
    cases.push_back({std::string("file/") + name, [plugin, run] { run(plugin); }});
  };
  add("descriptor", [](const PluginFile& p) { static_cast<void>(read_plugin_file(p.path)); });
  add("names", names_are_well_formed);
  add("docs", all_is_documented);
  add("one_export", one_export);
  add("no_unique_symbols", no_unique_symbols);
  add("no_second_runtime", no_second_runtime);
  add("safe_segments", safe_segments);
  add("loads", [](const PluginFile& p) { PluginSet().load(p.path); });
  add("manifest_is_true", manifest_is_true);
  add("loads_twice", loads_twice);
  add("loads_fast", loads_fast);
  add("starts_no_thread", starts_no_thread);
  add("idle_changes_nothing", idle_changes_nothing);
}

}  // namespace gptcore
