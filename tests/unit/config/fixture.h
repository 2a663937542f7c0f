// A pipeline file in a folder of its own, which is the current folder meanwhile, and a catalog made by hand.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/builtin/core_items.h"
#include "core/config/load.h"
#include "tests/unit/base/temp_folder.h"

namespace gptcore {

inline ParamSpec param(const std::string& name, Type type, Value fallback, const std::string& doc) {
  ParamSpec spec;
  spec.name = name;
  spec.type = type;
  spec.fallback = std::move(fallback);
  spec.doc = doc;
  return spec;
}

inline Catalog test_catalog() {
  Catalog catalog;
  add_core_items(catalog);
  const auto add = [&](Kind kind, const std::string& name, std::vector<ParamSpec> params) {
    ItemInfo item{kind, name, "doc of " + name, std::move(params), name, "1.0", "/plugins/" + name + ".so"};
    if (kind == Kind::operation) item.events = on(Event::step_ended);
    catalog.add(std::move(item));
  };
  ParamSpec files = param("files", Type::path_list, {}, "what to read");
  files.required = true;
  ParamSpec fraction = param("val_fraction", Type::number, 0.1, "part kept for validation");
  fraction.minimum = 0;
  fraction.maximum = 1;
  add(Kind::dataset, "text", {files, fraction, param("url", Type::text, "", "where to fetch it")});
  add(Kind::dataset, "token_bin", {param("folder", Type::path, "data", "holds train.bin")});
  add(Kind::tokenizer, "char", {});
  add(Kind::logger, "jsonl", {param("file", Type::path, "metrics.jsonl", "where to"), param("every", Type::integer, 1, "n")});
  add(Kind::logger, "console", {});
  ParamSpec rank = param("rank", Type::integer, 8, "rank of the update");
  rank.minimum = 1;
  rank.maximum = 1024;
  add(Kind::operation, "lora",
      {rank, param("alpha", Type::number, 16.0, "scale"), param("targets", Type::text_list, List{"qkv"}, "names")});
  return catalog;
}

class Fixture {
 public:
  explicit Fixture(const std::string& text) : Fixture() {
    write_raw(folder.path / "pipeline.toml", text), file = "pipeline.toml";
  }
  Fixture() : before_(std::filesystem::current_path()) { std::filesystem::current_path(folder.path); }
  ~Fixture() { std::filesystem::current_path(before_); }

  // Each override as --set would give it.
  LoadRequest request(const std::vector<std::string>& settings = {}) const {
    LoadRequest out{file, {}, {}};
    for (const std::string& text : settings) out.overrides.push_back({text, "--set " + text});
    return out;
  }
  PipelineConfig load(const std::vector<std::string>& settings = {}) const { return load_pipeline(request(settings), catalog); }
  // The lines of everything that is wrong; none when it loads.
  std::vector<std::string> errors(const std::vector<std::string>& settings = {}) const {
    std::vector<std::string> lines;
    try {
      load(settings);
    } catch (const ConfigErrors& e) {
      for (const Error& error : e.errors()) lines.push_back(error.line());
    }
    return lines;
  }

  TempFolder folder;
  std::optional<std::string> file;
  Catalog catalog = test_catalog();

 private:
  std::filesystem::path before_;
};

inline Value value_of(const Section& section, const std::string& key) {
  const Value* value = find(section.values, key);
  return value ? *value : Value();
}

inline std::string origin_of(const Section& section, const std::string& key) {
  for (size_t i = 0; i < section.values.size(); ++i)
    if (section.values[i].first == key) return section.origins[i].text();
  return "no key " + key;
}

using Lines = std::vector<std::string>;

}  // namespace gptcore
