#include "core/plugin/loader.h"

#include <dlfcn.h>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <filesystem>
#include <utility>

#include "core/plugin/hosted.h"
#include "core/plugin/manifest.h"
#include "gptcore/abi.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace dll = boost::dll;

// Holds a plugin's registrations until all of them are known to be good.
class Staged final : public Registrar {
 public:
  std::vector<Item> items;

 private:
  void add(Item item) override { items.push_back(std::move(item)); }
};

std::string without_tail(std::string text) {
  // Boost appends the errno of an unrelated call to dlerror's text.
  constexpr std::string_view kTail = ": Bad file descriptor";
  if (text.ends_with(kTail)) text.erase(text.size() - kTail.size());
  return text;
}

// Stays loaded until the process ends: the handle is kept in a list that is never destroyed.
const dll::shared_library& load_for_good(const std::string& path) {
  static auto& kept = *new std::vector<std::unique_ptr<dll::shared_library>>;
  constexpr auto kMode = static_cast<dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  try {
    kept.push_back(std::make_unique<dll::shared_library>(path, kMode));
  } catch (const std::exception& e) {
    throw Error(Code::plugin_refused, "cannot be loaded: " + without_tail(e.what()),
                "build it with gptcore_add_plugin(), which finds unresolved symbols when it links", path);
  }
  return *kept.back();
}

const gptcore_plugin& entry_of(const dll::shared_library& library, const std::string& path) {
  const auto refuse = [&](const std::string& message) {
    throw Error(Code::plugin_refused, message, "end one of its sources with GPTCORE_PLUGIN(name, version, setup)", path);
  };
  if (!library.has(GPTCORE_ENTRY_SYMBOL)) refuse("does not export " GPTCORE_ENTRY_SYMBOL);
  const gptcore_plugin* plugin = library.get<const gptcore_plugin*()>(GPTCORE_ENTRY_SYMBOL)();
  if (!plugin) refuse(GPTCORE_ENTRY_SYMBOL "() returned null");
  if (plugin->size < sizeof(gptcore_plugin))
    refuse("its entry structure has " + std::to_string(plugin->size) + " bytes, expected at least " +
           std::to_string(sizeof(gptcore_plugin)));
  if (plugin->epoch != GPTCORE_ABI_EPOCH)
    refuse("its entry has layout " + std::to_string(plugin->epoch) + ", expected " + std::to_string(GPTCORE_ABI_EPOCH));
  if (!plugin->register_all) refuse("its entry has no register function");
  return *plugin;
}

std::vector<Item> register_items(const gptcore_plugin& plugin, const PluginFile& file) {
  Staged staged;
  gptcore_status status{};
  if (plugin.register_all(static_cast<Registrar*>(&staged), &status) != 0)
    throw Error(Code::plugin_failed, "plugin '" + file.name + "' failed in its setup function: " + status.message, "",
                file.path);
  return std::move(staged.items);
}

// The manifest is what pipeline files were checked against, so the library must say the same.
void check_manifest(const std::vector<Item>& items, const PluginFile& file) {
  Manifest registered{file.name, file.version, {}};
  for (const Item& item : items) registered.items.push_back({item.kind, item.name, item.doc, item.params, "", "", "", nullptr});
  if (to_json(registered) != to_json({file.name, file.version, file.items}))
    throw Error(Code::plugin_refused, "plugin '" + file.name + "' registers other items than its manifest lists",
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
  PluginFile found = read_plugin_file(file);
  for (const PluginFile& p : plugins_)
    if (std::filesystem::equivalent(p.path, found.path)) return;

  std::vector<Item> items = register_items(entry_of(load_for_good(found.path), found.path), found);
  check_manifest(items, found);
  for (const Item& item : items)
    for (const Entry& e : entries_)
      if (e.item.kind == item.kind && e.item.name == item.name)
        throw Error(Code::plugin_clash,
                    std::string(name_of(item.kind)) + " '" + item.name + "' is offered by plugin '" + found.name +
                        "' and by plugin '" + e.plugin + "' (" + e.file + ")",
                    "load only one of them", found.path);

  for (Item& item : items) entries_.push_back({std::move(item), found.name, found.path});
  plugins_.push_back(std::move(found));
}

const PluginSet::Entry& PluginSet::entry(Kind kind, const std::string& name) const {
  for (const Entry& e : entries_)
    if (e.item.kind == kind && (e.item.name == name || e.plugin + ":" + e.item.name == name)) return e;
  throw Error(Code::unknown_name, "no loaded plugin offers a " + std::string(name_of(kind)) + " '" + name + "'",
              "see gptcore plugins list");
}

template <class PortType> auto PluginSet::make(Kind kind, const std::string& name, const Table& values) const {
  const Entry& found = entry(kind, name);
  const Callee callee{found.plugin, name_of(kind), found.item.name};
  const Problems problems = found.item.check(values);
  if (!problems.empty()) throw Error(Code::conflict, callee.kind + " '" + callee.item + "': " + listing(problems));
  Status status;
  Port* port = found.item.create(values, status);
  raise(status, callee, "create");
  return hosted(PortHandle<PortType>(static_cast<PortType*>(port), found.item.destroy), callee);
}

std::unique_ptr<Tokenizer> PluginSet::tokenizer(const std::string& name, const Table& values) const {
  return make<TokenizerPort>(Kind::tokenizer, name, values);
}

std::unique_ptr<Dataset> PluginSet::dataset(const std::string& name, const Table& values) const {
  return make<DatasetPort>(Kind::dataset, name, values);
}

std::unique_ptr<Logger> PluginSet::logger(const std::string& name, const Table& values) const {
  return make<LoggerPort>(Kind::logger, name, values);
}

}  // namespace gptcore
