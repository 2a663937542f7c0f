#include "core/plugin/plugin_file.h"

#include <torch/headeronly/version.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/plugin/elf.h"
#include "core/plugin/elf_tables.h"
#include "core/plugin/manifest.h"
#include "core/plugin/runtime_use.h"
#include "core/plugin/trust.h"
#include "gptcore/abi.h"
#include "gptcore/error.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxManifest = 4 << 20;
constexpr uint32_t kTorchVersion = TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR;

static_assert(sizeof(gptcore_descriptor) == 256 && offsetof(gptcore_descriptor, abi_tag) == 24 &&
              offsetof(gptcore_descriptor, name) == 88 && offsetof(gptcore_descriptor, build_id) == 160);

template <size_t N> std::string text_of(const char (&field)[N]) {
  return std::string(field, strnlen(field, N));
}

gptcore_descriptor read_descriptor(const ElfFile& elf, const std::string& path) {
  const auto bytes = elf.section(GPTCORE_ABI_SECTION, 1 << 16);
  if (!bytes)
    throw Error(Code::plugin_no_descriptor,
                "is a shared library but not a gptcore plugin: it has no section " GPTCORE_ABI_SECTION,
                "end one of its sources with GPTCORE_PLUGIN(name, version, setup)", path);
  gptcore_descriptor d{};
  std::memcpy(&d, bytes->data(), std::min(bytes->size(), sizeof d));
  if (std::memcmp(d.magic, "GPTCORE", sizeof d.magic) != 0)
    throw Error(Code::plugin_no_descriptor, "its descriptor is damaged: it does not begin with GPTCORE",
                "build the plugin again", path);
  if (const size_t size = std::min<size_t>(bytes->size(), d.size); size < sizeof d)
    throw Error(Code::plugin_entry_small,
                "its descriptor has " + std::to_string(size) + " bytes, expected " + std::to_string(sizeof d),
                "end one of its sources with GPTCORE_PLUGIN(name, version, setup)", path);
  return d;
}

void check_descriptor(const gptcore_descriptor& d, const std::string& path) {
  const auto refuse = [&](Code code, const std::string& what, const std::string& found, const std::string& expected) {
    throw Error(code, "plugin '" + text_of(d.name) + "' was built for " + what + " " + found + ", this program has " + expected,
                "build the plugin again with the SDK of gptcore " GPTCORE_VERSION, path);
  };
  if (d.epoch != GPTCORE_ABI_EPOCH)
    refuse(d.epoch < GPTCORE_ABI_EPOCH ? Code::plugin_epoch_old : Code::plugin_epoch_new, "plugin layout",
           std::to_string(d.epoch), std::to_string(GPTCORE_ABI_EPOCH));
  // A plugin for a newer minor version may call functions that this program does not have.
  if (d.sdk_version / 10000 != GPTCORE_SDK_VERSION / 10000 || d.sdk_version / 100 > GPTCORE_SDK_VERSION / 100)
    refuse(Code::plugin_sdk_version, "SDK", sdk_version_text(d.sdk_version), sdk_version_text(GPTCORE_SDK_VERSION));
  if (d.torch_version != kTorchVersion)
    refuse(Code::plugin_torch_version, "LibTorch", torch_version_text(d.torch_version), torch_version_text(kTorchVersion));
  if (text_of(d.abi_tag) != GPTCORE_ABI_TAG) refuse(Code::plugin_abi_tag, "the C++ ABI", text_of(d.abi_tag), GPTCORE_ABI_TAG);
}

void check_runtime(const RuntimeUse& use, const gptcore_descriptor& d, const std::string& path) {
  if (use.second_copy.empty()) return;
  throw Error(Code::plugin_second_runtime,
              "plugin '" + text_of(d.name) + "' brings its own copy of " + use.second_copy +
                  "; expected the program's, of which there is one",
              "link the shared libraries, not the static ones", path);
}

std::vector<ItemInfo> read_items(const ElfFile& elf, const PluginFile& file, const std::string& path) {
  const auto text = elf.section(GPTCORE_MANIFEST_SECTION, kMaxManifest);
  if (!text)
    throw Error(Code::plugin_no_manifest, "plugin '" + file.name + "' has no manifest (section " GPTCORE_MANIFEST_SECTION ")",
                "build it with gptcore_add_plugin()", path);
  Manifest manifest = parse_manifest(*text, path);
  if (manifest.plugin != file.name || manifest.version != file.version)
    throw Error(Code::plugin_manifest_differs,
                "its manifest is of plugin '" + manifest.plugin + "' " + manifest.version + ", its descriptor of '" +
                    file.name + "' " + file.version,
                "build the plugin again", path);
  refuse_mistakes(manifest, path);
  for (ItemInfo& item : manifest.items) item.file = file.path;
  return std::move(manifest.items);
}

}  // namespace

PluginFile read_plugin_file(const std::string& path) {
  require_trusted(path);
  const ElfFile elf(path);
  const gptcore_descriptor d = read_descriptor(elf, path);
  check_descriptor(d, path);
  const RuntimeUse use = runtime_use(elf);
  check_runtime(use, d, path);

  PluginFile out;
  out.path = fs::canonical(path).string();
  out.name = text_of(d.name);
  out.version = text_of(d.version);
  out.build_id = build_id(elf);
  out.sdk_version = d.sdk_version;
  out.torch_version = d.torch_version;
  out.registers_operators = use.registers_operators;
  out.items = read_items(elf, out, path);
  return out;
}

std::string sdk_version_text(uint32_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." + std::to_string(version % 100);
}

std::string torch_version_text(uint32_t version) {
  return std::to_string(version / 100) + "." + std::to_string(version % 100);
}

}  // namespace gptcore
