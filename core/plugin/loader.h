// Loads plugins for good and makes their objects. A library is never unloaded: its code may be in use until the end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/plugin/plugin_file.h"
#include "gptcore/registrar.h"

namespace gptcore {

class PluginSet {
 public:
  // Checks the file again, probes it in a child process unless that is known to succeed, loads it and takes all of its items or
  // none. A file that is already loaded changes nothing. Throws Error with a plugin_* code for each reason.
  void load(const std::string& file);

  // Returns the plugins in load order.
  const std::vector<PluginFile>& plugins() const { return plugins_; }

  // Return a new object of the item `name` (or "plugin:name"), not yet opened. When [plugins].override allows another item with
  // the name of an installed plugin's item, that other one is made. Each of `values` must fit the item's schema; the item's
  // rules over several run first, and Error(conflict) lists what they find. The object's methods throw nothing but Error: a
  // plugin's own exception becomes Error(plugin_failed), which names plugin, item and method.
  std::unique_ptr<Tokenizer> tokenizer(const std::string& name, const Table& values) const;
  std::unique_ptr<Dataset> dataset(const std::string& name, const Table& values) const;
  std::unique_ptr<Model> model(const std::string& name, const Table& values) const;
  std::unique_ptr<Adapter> adapter(const std::string& name, const Table& values) const;
  std::unique_ptr<Operation> operation(const std::string& name, const Table& values) const;
  std::unique_ptr<Evaluator> evaluator(const std::string& name, const Table& values) const;
  std::unique_ptr<Logger> logger(const std::string& name, const Table& values) const;
  // Returns what the item's rules over several parameters find; each of `values` must fit the item's schema.
  Problems problems(Kind kind, const std::string& name, const Table& values) const;
  // Returns the item as its plugin registered it. Throws Error(unknown_name).
  const Item& item(Kind kind, const std::string& name) const;

 private:
  struct Entry {
    Item item;
    std::string plugin, file;
    bool installed = false;
  };
  void refuse_clashes(const PluginFile& file) const;
  const Entry& entry(Kind kind, const std::string& name) const;
  template <class PortType> auto make(Kind kind, const std::string& name, const Table& values) const;

  std::vector<PluginFile> plugins_;
  std::vector<Entry> entries_;
};

}  // namespace gptcore
