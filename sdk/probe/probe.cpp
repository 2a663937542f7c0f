// gptcore-probe PLUGIN OUT.json: loads one plugin, as the build of every plugin does once, and writes the manifest of what
// it registers. Exits 1 with one line when the plugin cannot be asked or describes itself wrongly.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "core/plugin/manifest.h"
#include "gptcore/abi.h"

namespace {

using namespace gptcore;

constexpr unsigned kSeconds = 120;  // a plugin that hangs must not hang the build

class Collector final : public Registrar {
 public:
  explicit Collector(Manifest& manifest) : manifest_(manifest) {}

 private:
  void add(Item item) override {
    manifest_.items.push_back({item.kind, item.name, item.doc, item.params, manifest_.plugin, manifest_.version, "", nullptr});
  }
  Manifest& manifest_;
};

Manifest ask(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(::dlerror());
  const auto entry = reinterpret_cast<gptcore_entry>(::dlsym(library, GPTCORE_ENTRY_SYMBOL));
  if (!entry) throw std::runtime_error("it does not export " GPTCORE_ENTRY_SYMBOL "; end a source with GPTCORE_PLUGIN(...)");
  const gptcore_plugin& plugin = *entry();

  Manifest manifest;
  manifest.plugin = plugin.descriptor->name;
  manifest.version = plugin.descriptor->version;
  Collector collector(manifest);
  gptcore_status status{};
  if (plugin.register_all(static_cast<Registrar*>(&collector), &status) != 0)
    throw std::runtime_error("its setup function failed: " + std::string(status.message));
  return manifest;
}

void write(const std::string& text, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: gptcore-probe PLUGIN OUT.json\n", stderr);
    return 1;
  }
  ::alarm(kSeconds);
  try {
    const Manifest manifest = ask(std::filesystem::absolute(argv[1]).string());
    std::string wrong;
    for (const std::string& line : mistakes(manifest)) wrong += (wrong.empty() ? "" : "; ") + line;
    if (!wrong.empty()) throw std::runtime_error(wrong);
    write(to_json(manifest), argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "gptcore-probe: %s: %s\n", argv[1], e.what());
    std::fflush(nullptr);
    ::_exit(1);  // LibTorch's exit handlers take long and have nothing to save
  }
  ::_exit(0);
}
