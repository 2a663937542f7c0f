#include "apps/gptcore/tokenizer_choice.h"

#include <filesystem>

#include "apps/gptcore/pipeline_file.h"
#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

bool is_vocabulary(const fs::path& folder) {
  std::error_code none;
  for (const char* name : {"vocab.bpe", "encoder.json", "tokenizer.json", "vocab.json"})
    if (fs::exists(folder / name, none)) return true;
  return false;
}

// Returns a pipeline file's value, whatever is in the text.
std::string quoted(const std::string& text) {
  return to_toml(Value(text));
}

}  // namespace

TokenizerChoice choose_tokenizer(const std::string& named, const std::vector<Override>& parameters,
                                 const std::vector<std::string>& plugin_files) {
  TokenizerChoice choice;
  LoadRequest load{std::nullopt, {}, plugin_files};
  const std::string written = "--tokenizer " + named;
  std::error_code none;
  if (fs::is_directory(named, none) && is_vocabulary(named)) {
    load.overrides = {{"tokenizer.use=\"gpt2\"", written}, {"tokenizer.dir=" + quoted(named), written}};
  } else if (fs::is_directory(named, none)) {
    const fs::path folder = open_checkpoint(*posix_file_system(), named).directory;
    choice.checkpoint = folder.string();
    load.file = (folder / "config.toml").string();
  } else {
    load.overrides = {{"tokenizer.use=" + quoted(named), written}};
  }
  for (const Override& item : parameters) load.overrides.push_back({"tokenizer." + item.text, item.written});
  const Pipeline pipeline = load_with_plugins(load);
  choice.config.run = pipeline.config.run;
  choice.config.tokenizer = pipeline.config.tokenizer;
  choice.plugin_files = files_used(choice.config, pipeline.catalog);
  return choice;
}

}  // namespace gptcore
