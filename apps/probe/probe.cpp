// gptcore-probe PLUGIN OUT.json: loads one plugin, as the build of every plugin does once, and writes the manifest of what it
// registers; exits with 1 and one line when the plugin cannot be asked or has an invalid manifest.
// gptcore-probe --check PLUGIN [OTHER]...: the same for the loader, after the OTHERs; reports the result by
// core/plugin/probe_report.h.
#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/plugin/elf_tables.h"
#include "core/plugin/entry.h"
#include "core/plugin/manifest.h"
#include "core/plugin/probe_report.h"
#include "core/plugin/torch_library.h"
#include "gptcore/error.h"

namespace {

using namespace gptcore;

constexpr unsigned kSeconds = 300;  // the last resort: a plugin that hangs must not hang the build

int report_file = -1;  // -1: nobody listens

void report(const std::string& line) {
  if (report_file < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(report_file, line.data(), line.size());
}

// A throwing static initialiser cannot be caught: the dynamic linker lets no exception through.
[[noreturn]] void on_terminate() noexcept {
  std::string what = "an exception that is not a std::exception";
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
    what = "std::terminate() was called";
  } catch (const std::exception& e) {
    what = std::string_view(e.what()).substr(0, std::string_view(e.what()).find('\n'));
  } catch (...) {
  }
  report(threw_line(what));
  if (report_file < 0) std::fprintf(stderr, "gptcore-probe: the plugin threw: %s\n", what.c_str());
  ::_exit(1);
}

// Loads LibTorch before any plugin that needs it, as the program does.
void load_torch(const std::string& path) {
  for (const std::string& name : needed_libraries(ElfFile(path)))
    if (name.starts_with("libtorch") || name.starts_with("libc10")) return open_torch();
}

void* load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw load_error(::dlerror(), path);
  return library;
}

Manifest ask(const std::string& path) {
  report(stage_line("load"));
  void* library = load(path);
  report(stage_line("register"));
  const gptcore_plugin& plugin = checked_entry(reinterpret_cast<gptcore_entry>(::dlsym(library, GPTCORE_ENTRY_SYMBOL)), path);
  Manifest manifest{plugin.descriptor->name, plugin.descriptor->version, {}};
  for (const Item& item : register_items(plugin, path))
    manifest.items.push_back(describe(item, manifest.plugin, manifest.version));
  refuse_mistakes(manifest, path);
  return manifest;
}

void write_manifest(const std::string& plugin, const std::string& path) {
  load_torch(plugin);
  const std::string text = to_json(ask(plugin));
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw Error(Code::io, "cannot be written", "", path);
}

void check(const std::vector<std::string>& files) {
  report_file = ::dup(STDOUT_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // what the plugin prints is not part of the report
  report(stage_line("libtorch"));
  for (const std::string& file : files) load_torch(file);
  for (size_t i = 1; i < files.size(); ++i) load(files[i]);
  report(ok_line(to_json(ask(files[0]))));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool checking = words.size() >= 2 && words[0] == "--check";
  if (!checking && words.size() != 2) {
    std::fputs("usage: gptcore-probe PLUGIN OUT.json | gptcore-probe --check PLUGIN [OTHER]...\n", stderr);
    return 1;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::alarm(kSeconds);
  std::set_terminate(on_terminate);
  int status = 0;
  try {
    std::vector<std::string> files;
    for (size_t i = checking ? 1 : 0; i < (checking ? words.size() : 1); ++i)
      files.push_back(std::filesystem::absolute(words[i]).string());
    checking ? check(files) : write_manifest(files[0], words[1]);
  } catch (const Error& e) {
    report(refused_line(e));
    std::fprintf(stderr, "gptcore-probe: %s\n", e.line().c_str());
    status = 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "gptcore-probe: %s\n", e.what());
    status = 1;
  }
  std::fflush(nullptr);
  ::_exit(status);  // LibTorch's exit handlers take long and have nothing to save
}
