#include "core/plugin/loader.h"

#include <dlfcn.h>
#include <torch/headeronly/version.h>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <utility>

#include "core/plugin/entry.h"
#include "core/plugin/hosted.h"
#include "core/plugin/installation.h"
#include "core/plugin/manifest.h"
#include "core/plugin/probe.h"
#include "core/plugin/search.h"
#include "core/plugin/sudden_end.h"
#include "core/plugin/trust.h"
#include "gptcore/abi.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace dll = boost::dll;

std::string without_tail(std::string text) {
  // Boost appends the errno of an unrelated call to dlerror's text.
  constexpr std::string_view kTail = ": Bad file descriptor";
  if (text.ends_with(kTail)) text.erase(text.size() - kTail.size());
  return text;
}

// Returns "2.11" for LibTorch's own packed number.
std::string torch_text(uint64_t version) {
  return std::to_string(version >> 56) + "." + std::to_string(version >> 48 & 0xff);
}

// Loads a library until the process ends: its handle is kept in a list that is never destroyed.
const dll::shared_library& load_for_good(const std::string& path) {
  static auto& kept = *new std::vector<std::unique_ptr<dll::shared_library>>;
  constexpr auto kMode = static_cast<dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  try {
    kept.push_back(std::make_unique<dll::shared_library>(path, kMode));
  } catch (const std::exception& e) {
    throw load_error(without_tail(e.what()), path);
  }
  return *kept.back();
}

gptcore_entry entry_of(const dll::shared_library& library) {
  return library.has(GPTCORE_ENTRY_SYMBOL) ? &library.get<const gptcore_plugin*()>(GPTCORE_ENTRY_SYMBOL) : nullptr;
}

// Plugins use the LibTorch of this process: all of it must be loaded before them, in the version that gptcore was built with.
void require_torch() {
  void* torch = ::dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  const auto version = torch ? reinterpret_cast<uint64_t (*)()>(::dlsym(torch, "aoti_torch_abi_version")) : nullptr;
  if (!version) throw Error(Code::internal, "a plugin must not be loaded before LibTorch");
  constexpr int kMinorAndMajor = 48;  // bits of the patch number and of all below it
  if (version() >> kMinorAndMajor != TORCH_ABI_VERSION >> kMinorAndMajor)
    throw Error(Code::plugin_torch_version,
                "the LibTorch in this process is " + torch_text(version()) + ", gptcore was built with " +
                    torch_text(TORCH_ABI_VERSION),
                "see where it comes from: ldd libgptcore.so, GPTCORE_TORCH, LD_LIBRARY_PATH");
}

// Pipeline files were checked against the manifest, so the library must register the same items.
void check_manifest(const std::vector<Item>& items, const PluginFile& file) {
  Manifest registered{file.name, file.version, {}};
  for (const Item& item : items) registered.items.push_back(describe(item, file.name, file.version));
  if (to_json(registered) != to_json({file.name, file.version, file.items}))
    throw Error(Code::plugin_manifest_differs, "plugin '" + file.name + "' registers other items than its manifest lists",
                "build it again; a schema must not depend on the machine", file.path);
}

std::string listing(const Problems& problems) {
  std::string out;
  for (const Problem& p : problems) {
    out += (out.empty() ? "'" : "; '") + p.key + "': " + p.message;
    if (!p.hint.empty()) out += " (" + p.hint + ")";
  }
  return out;
}

}  // namespace

void PluginSet::load(const std::string& file) {
  require_torch();
  require_safe(file);
  PluginFile found = read_plugin_file(file);
  for (const PluginFile& p : plugins_)
    if (std::filesystem::equivalent(p.path, found.path)) return;
  refuse_clashes(found);
  probe_plugin(found, plugins_);

  const Callee& callee = lasting({found.name, "", "", found.path});
  const Breadcrumb inside(callee, "setup");
  note_loaded(callee);
  const gptcore_plugin& plugin = checked_entry(entry_of(load_for_good(found.path)), found.path);
  std::vector<Item> items = register_items(plugin, found.path);
  check_manifest(items, found);
  for (Item& item : items) entries_.push_back({std::move(item), found.name, found.path, is_installed_plugin(found.path)});
  plugins_.push_back(std::move(found));
}

// read_catalog() has decided between an installed plugin and another one.
void PluginSet::refuse_clashes(const PluginFile& file) const {
  const bool installed = is_installed_plugin(file.path);
  for (const ItemInfo& item : file.items)
    for (const Entry& e : entries_)
      if (e.item.kind == item.kind && e.item.name == item.name && e.installed == installed)
        throw name_clash(item, {e.item.kind, e.item.name, "", {}, e.plugin, "", e.file}, file.path);
}

const Item& PluginSet::item(Kind kind, const std::string& name) const {
  return entry(kind, name).item;
}

const PluginSet::Entry& PluginSet::entry(Kind kind, const std::string& name) const {
  const Entry* found = nullptr;
  for (const Entry& e : entries_)
    if (e.item.kind == kind && (e.item.name == name || e.plugin + ":" + e.item.name == name))
      if (!found || found->installed) found = &e;
  if (found) return *found;
  throw Error(Code::unknown_name, "no loaded plugin offers a " + std::string(name_of(kind)) + " '" + name + "'",
              "see gptcore plugins list");
}

Problems PluginSet::problems(Kind kind, const std::string& name, const Table& values) const {
  const Entry& found = entry(kind, name);
  const Breadcrumb inside(lasting({found.plugin, name_of(kind), found.item.name, found.file}), "check");
  return found.item.check(values);
}

template <class PortType> auto PluginSet::make(Kind kind, const std::string& name, const Table& values) const {
  const Entry& found = entry(kind, name);
  const Callee& callee = lasting({found.plugin, name_of(kind), found.item.name, found.file});
  const Problems wrong = problems(kind, name, values);
  if (!wrong.empty()) throw Error(Code::conflict, callee.kind + " '" + callee.item + "': " + listing(wrong));
  Status status;
  Port* port = [&] {
    const Breadcrumb inside(callee, "create");
    return found.item.create(values, status);
  }();
  raise(status, callee, "create");
  return hosted(PortHandle<PortType>(static_cast<PortType*>(port), found.item.destroy), callee);
}

std::unique_ptr<Tokenizer> PluginSet::tokenizer(const std::string& name, const Table& values) const {
  return make<TokenizerPort>(Kind::tokenizer, name, values);
}

std::unique_ptr<Dataset> PluginSet::dataset(const std::string& name, const Table& values) const {
  return make<DatasetPort>(Kind::dataset, name, values);
}

std::unique_ptr<Model> PluginSet::model(const std::string& name, const Table& values) const {
  return make<ModelPort>(Kind::model, name, values);
}

std::unique_ptr<Adapter> PluginSet::adapter(const std::string& name, const Table& values) const {
  return make<AdapterPort>(Kind::adapter, name, values);
}

std::unique_ptr<Operation> PluginSet::operation(const std::string& name, const Table& values) const {
  return make<OperationPort>(Kind::operation, name, values);
}

std::unique_ptr<Evaluator> PluginSet::evaluator(const std::string& name, const Table& values) const {
  return make<EvaluatorPort>(Kind::evaluator, name, values);
}

std::unique_ptr<Logger> PluginSet::logger(const std::string& name, const Table& values) const {
  return make<LoggerPort>(Kind::logger, name, values);
}

}  // namespace gptcore
