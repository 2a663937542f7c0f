#include "core/config/input_files.h"

#include <filesystem>

#include "core/config/owner.h"
#include "core/data/corpus/source_files.h"
#include "core/options/sample_options.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInitFrom = "init_from";

constexpr const char* kPathsHint = "relative paths count from the pipeline file, those of the command line from here";

// Returns the bytes of a file, a folder or a pattern's files. Stops counting beyond kMostRead.
uintmax_t bytes_at(const std::string& path) {
  std::error_code failed;
  if (path.empty()) return 0;
  if (fs::is_regular_file(path, failed)) return fs::file_size(path, failed);
  uintmax_t size = 0;
  if (fs::is_directory(path, failed)) {
    for (fs::recursive_directory_iterator it(path, failed), end; !failed && it != end && size <= kMostRead;
         it.increment(failed))
      if (it->is_regular_file(failed)) size += it->file_size(failed);
    return size;
  }
  try {
    for (const std::string& file : source_files(path, {})) size += fs::file_size(file, failed);
  } catch (const Error&) {  // reported elsewhere
  }
  return size;
}

class Checker {
 public:
  Checker(const Catalog& catalog, ErrorList& errors) : catalog_(catalog), errors_(errors) {}

  void check(const Owner& owner, const Table& values, const std::vector<Origin>& origins, const Origin& fallback) {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto& [key, value] = values[i];
      const Origin& origin = i < origins.size() ? origins[i] : fallback;
      if (origin.source == Source::default_value) continue;
      if (key == "source") check_sources(value, origin);
      const ParamSpec* spec = owner.find(key);
      if (!spec || spec->unit == kMadeByRun) continue;
      if (spec->type == Type::path) check_path(key, value, origin);
      if (spec->type == Type::path_list && value.is<List>())
        for (const Value& path : value.as<List>()) check_path(key, path, origin);
    }
  }

 private:
  void check_path(const std::string& key, const Value& value, const Origin& origin) {
    if (!value.is<std::string>()) return;
    std::string path = value.as<std::string>();
    if (path.empty() || path.find("://") != std::string::npos) return;
    bool model = false;  // a model's weights; their absence may have been reported when the sizes were read
    for (const std::string scheme : {"hf:", "ckpt:"})
      if (!model && path.starts_with(scheme)) {
        path.erase(0, scheme.size());
        model = true;
      }
    if (key == kInitFrom && errors_.has(origin)) return;
    std::error_code none;
    if (fs::exists(path, none)) return;
    const bool pattern = path.find_first_of("*?[") != std::string::npos;
    if (pattern && !matches(path).empty()) return;
    errors_.add(model ? Code::checkpoint_missing : Code::data_missing,
                "'" + key + "': '" + path + "' " + (pattern ? "matches no file" : "does not exist"), kPathsHint, origin);
  }

  static std::vector<std::string> matches(const std::string& pattern) {
    try {
      return source_files(pattern, {});
    } catch (const Error&) {
      return {};
    }
  }

  void check_sources(const Value& value, const Origin& origin) {
    if (value.is<List>())
      for (const Value& item : value.as<List>()) check_sources(item, origin);
    if (!value.is<Table>()) return;
    const Table& table = value.as<Table>();
    const Value* use = find(table, "use");
    const auto owner = use && use->is<std::string>() ? owner_of("dataset", use->as<std::string>(), catalog_) : std::nullopt;
    if (owner) check(*owner, table, {}, origin);
  }

  const Catalog& catalog_;
  ErrorList& errors_;
};

}  // namespace

void check_input_files(const Section& section, const Catalog& catalog, ErrorList& errors) {
  const auto kind = item_kind(section.path);
  if (!kind || *kind == Kind::logger) return;
  if (const auto owner = owner_of(section.path, section.use, catalog))
    Checker(catalog, errors).check(*owner, section.values, section.origins, {});
}

void check_prompt_file(const Section& stage, ErrorList& errors) {
  for (size_t i = 0; i < stage.values.size(); ++i) {
    const auto& [key, value] = stage.values[i];
    if (key != "prompt" || !value.is<std::string>() || !value.as<std::string>().starts_with(kPromptFile)) continue;
    const std::string path = value.as<std::string>().substr(kPromptFile.size());
    std::error_code none;
    if (!fs::exists(path, none))
      errors.add(Code::data_missing, "the prompt file '" + path + "' does not exist", kPathsHint, stage.origins[i]);
  }
}

uintmax_t bytes_named(const Table& values, const std::vector<ParamSpec>& specs) {
  uintmax_t size = 0;
  for (const ParamSpec& spec : specs) {
    const Value* value = find(values, spec.name);
    if (!value || spec.unit == kMadeByRun) continue;
    if (spec.type == Type::path && value->is<std::string>()) size += bytes_at(value->as<std::string>());
    if (spec.type == Type::path_list && value->is<List>())
      for (const Value& path : value->as<List>()) size += bytes_at(path.as<std::string>());
  }
  return size;
}

}  // namespace gptcore
