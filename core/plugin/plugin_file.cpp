#include "core/plugin/plugin_file.h"

#include <sys/stat.h>
#include <torch/headeronly/version.h>

#include <cstring>
#include <filesystem>

#include "core/plugin/elf.h"
#include "core/plugin/manifest.h"
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

void refuse_writable(const fs::path& path, const char* what, const std::string& file) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || (info.st_mode & S_IWOTH) == 0) return;
  throw Error(Code::plugin_refused, std::string(what) + " may be written by every user of this machine",
              "chmod o-w '" + path.string() + "', or move the plugin", file);
}

gptcore_descriptor read_descriptor(const ElfFile& elf, const std::string& path) {
  const auto bytes = elf.section(GPTCORE_ABI_SECTION, 1 << 16);
  if (!bytes)
    throw Error(Code::plugin_refused, "is a shared library but not a gptcore plugin: it has no section " GPTCORE_ABI_SECTION,
                "end one of its sources with GPTCORE_PLUGIN(name, version, setup)", path);
  gptcore_descriptor d{};
  if (bytes->size() >= sizeof d) std::memcpy(&d, bytes->data(), sizeof d);
  if (bytes->size() < sizeof d || std::memcmp(d.magic, "GPTCORE", sizeof d.magic) != 0)
    throw Error(Code::plugin_refused, "its descriptor is damaged", "build the plugin again", path);
  return d;
}

void check_descriptor(const gptcore_descriptor& d, const std::string& path) {
  const auto refuse = [&](const std::string& what, const std::string& found, const std::string& expected) {
    throw Error(Code::plugin_refused,
                "plugin '" + text_of(d.name) + "' was built for " + what + " " + found + ", this program has " + expected,
                "build the plugin again with the SDK of gptcore " GPTCORE_VERSION, path);
  };
  if (d.epoch != GPTCORE_ABI_EPOCH) refuse("plugin layout", std::to_string(d.epoch), std::to_string(GPTCORE_ABI_EPOCH));
  if (d.sdk_version / 10000 != GPTCORE_SDK_VERSION / 10000)
    refuse("SDK", sdk_version_text(d.sdk_version), sdk_version_text(GPTCORE_SDK_VERSION));
  if (d.torch_version != kTorchVersion)
    refuse("LibTorch", torch_version_text(d.torch_version), torch_version_text(kTorchVersion));
  if (text_of(d.abi_tag) != GPTCORE_ABI_TAG) refuse("C++ ABI", text_of(d.abi_tag), GPTCORE_ABI_TAG);
  if (!is_name(text_of(d.name)))
    throw Error(Code::plugin_refused, "its name '" + text_of(d.name) + "' is not like my_plugin ([a-z][a-z0-9_]*)",
                "change the first argument of GPTCORE_PLUGIN", path);
}

}  // namespace

PluginFile read_plugin_file(const std::string& path) {
  const ElfFile elf(path);
  PluginFile out;
  out.path = fs::canonical(path).string();
  refuse_writable(out.path, "the file", path);
  refuse_writable(fs::path(out.path).parent_path(), "its folder", path);
  const gptcore_descriptor d = read_descriptor(elf, path);
  check_descriptor(d, path);
  out.name = text_of(d.name);
  out.version = text_of(d.version);
  out.build_id = text_of(d.build_id);
  out.sdk_version = d.sdk_version;
  out.torch_version = d.torch_version;

  const auto text = elf.section(GPTCORE_MANIFEST_SECTION, kMaxManifest);
  if (!text)
    throw Error(Code::plugin_refused, "plugin '" + out.name + "' has no manifest (section " GPTCORE_MANIFEST_SECTION ")",
                "build it with gptcore_add_plugin()", path);
  Manifest manifest = parse_manifest(*text, path);
  if (manifest.plugin != out.name)
    throw Error(Code::plugin_refused,
                "its manifest is of plugin '" + manifest.plugin + "', its descriptor of '" + out.name + "'",
                "build the plugin again", path);
  out.items = std::move(manifest.items);
  for (ItemInfo& item : out.items) item.file = out.path;
  return out;
}

std::string sdk_version_text(uint32_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." + std::to_string(version % 100);
}

std::string torch_version_text(uint32_t version) {
  return std::to_string(version / 100) + "." + std::to_string(version % 100);
}

}  // namespace gptcore
