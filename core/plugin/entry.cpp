#include "core/plugin/entry.h"

#include <string_view>

#include "core/plugin/elf_tables.h"

namespace gptcore {
namespace {

// Holds a plugin's registrations until all of them are known to be good.
class Staged final : public Registrar {
 public:
  std::vector<Item> items;

 private:
  void add(Item item) override { items.push_back(std::move(item)); }
};

}  // namespace

Error load_error(const std::string& text, const std::string& path) {
  constexpr std::string_view kSymbol = "undefined symbol: ", kLibrary = ": cannot open shared object file",
                             kVersion = "version `";
  if (const size_t at = text.find(kSymbol); at != text.npos) {
    const std::string symbol = text.substr(at + kSymbol.size());
    return {Code::plugin_unresolved_symbol,
            "needs the symbol " + demangled(symbol.substr(0, symbol.find_first_of(", \n"))) +
                ", expected to find it in the libraries that it names",
            "link it with -Wl,-z,defs, as gptcore_add_plugin() does, and add the library that defines it", path};
  }
  if (const size_t end = text.find(kLibrary); end != text.npos) {
    const size_t begin = text.rfind(' ', end) + 1;  // npos + 1 = 0
    return {Code::plugin_missing_library, "needs the library " + text.substr(begin, end - begin) + ", which cannot be found",
            "install it, or put it beside the plugin and link with -Wl,-rpath,'$ORIGIN'", path};
  }
  if (text.find(kVersion) != text.npos)
    return {Code::plugin_missing_library, "needs a newer library than this machine has: " + text, "build it on this machine",
            path};
  return {Code::plugin_refused, "cannot be loaded: " + text, "build it again with gptcore_add_plugin()", path};
}

const gptcore_plugin& checked_entry(gptcore_entry entry, const std::string& path) {
  const auto refuse = [&](Code code, const std::string& message) {
    throw Error(code, message, "end one of its sources with GPTCORE_PLUGIN(name, version, setup)", path);
  };
  if (!entry) refuse(Code::plugin_no_entry, "does not export " GPTCORE_ENTRY_SYMBOL);
  const gptcore_plugin* plugin = entry();
  if (!plugin) refuse(Code::plugin_no_entry, GPTCORE_ENTRY_SYMBOL "() returned null");
  if (plugin->size < sizeof(gptcore_plugin))
    refuse(Code::plugin_entry_small, "its entry structure has " + std::to_string(plugin->size) + " bytes, expected at least " +
                                         std::to_string(sizeof(gptcore_plugin)));
  if (plugin->epoch != GPTCORE_ABI_EPOCH)
    refuse(
        plugin->epoch < GPTCORE_ABI_EPOCH ? Code::plugin_epoch_old : Code::plugin_epoch_new,
        "its entry structure has layout " + std::to_string(plugin->epoch) + ", expected " + std::to_string(GPTCORE_ABI_EPOCH));
  if (!plugin->descriptor) refuse(Code::plugin_entry_small, "its entry structure names no descriptor");
  if (!plugin->register_all) refuse(Code::plugin_null_register, "its entry structure has no register function");
  return *plugin;
}

std::vector<Item> register_items(const gptcore_plugin& plugin, const std::string& path) {
  Staged staged;
  gptcore_status status{};
  if (plugin.register_all(static_cast<Registrar*>(&staged), &status) != 0)
    throw Error(Code::plugin_setup_failed,
                std::string("plugin '") + plugin.descriptor->name + "' failed in its setup function: " + status.message,
                "the message is the plugin's own; tell its author", path);
  return std::move(staged.items);
}

}  // namespace gptcore
