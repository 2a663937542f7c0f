#pragma once

#include "gptcore/draft/datasets.h"
#include "tests/unit/plugins/built_in.h"

namespace gptcore {

// A host that makes datasets as the program does.
struct SourceHost final : Host, Datasets {
  void log(Level, std::string_view) override {}
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
  void* service(std::string_view id) override { return extension_as<Datasets>(this, id); }
  std::unique_ptr<Dataset> make(const Table& source) override {
    Table values;
    for (const auto& [key, value] : source)
      if (key != "use" && key != "weight") values.emplace_back(key, value);
    return built_in().dataset(find(source, "use")->as<std::string>(), values);
  }
};

}  // namespace gptcore
