#include "core/config/init_from.h"

#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/document.h"
#include "core/interchange/hf_config.h"
#include "core/model/gpt_options.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxStateBytes = uint64_t{64} << 20;
constexpr std::string_view kHf = "hf:", kCheckpoint = "ckpt:";

// All others fix the shapes and the function of the model "gpt".
bool is_yours(const std::string& key) {
  return key == "preset" || key == "init_from" || key == "dropout";
}

Value* entry_of(Table& table, const std::string& key) {
  for (auto& [name, value] : table)
    if (name == key) return &value;
  return nullptr;
}

// [model] of the checkpoint's config.toml, with what operations have changed since.
Table checkpoint_values(const fs::path& given) {
  refuse_pytorch_file(given);
  const fs::path folder = newest_checkpoint(given);
  ErrorList errors;
  const Document document = read_document((folder / "config.toml").string(), errors);
  errors.throw_if_any();
  Table keys;
  if (!document.model || (document.model->find("use") && document.model->text("use") != "gpt"))
    throw Error(Code::model_shape, "the checkpoint's model is not \"gpt\"",
                "only the model \"gpt\" takes weights from elsewhere", folder.string());
  const Schema<GptOptions> schema = schema_of<GptOptions>();
  for (const ParamSpec& spec : schema.specs())
    if (const Entry* entry = document.model->find(spec.name); entry && !is_yours(spec.name))
      keys.emplace_back(spec.name, entry->value);
  const fs::path state = folder / "state.json";
  int64_t vocab_size = 0;  // where it was the data's; checkpoints of before do not tell it
  try {
    const auto json = nlohmann::json::parse(read_text(*posix_file_system(), state, kMaxStateBytes));
    for (const auto& [key, text] : json.at("structure").at("model").items())
      if (Value* value = entry_of(keys, key)) *value = parse_value(text.get<std::string>());
    vocab_size = json.value("vocab_size", int64_t{0});
  } catch (const nlohmann::json::exception& e) {
    throw Error(Code::checkpoint_corrupt, "state.json does not fit its format: " + json_fault(e.what()),
                "use another checkpoint", state.string());
  }
  if (Value* size = entry_of(keys, "vocab_size"); size && *size == Value(int64_t{0})) *size = vocab_size;
  std::erase_if(keys, [](const auto& entry) { return entry.first == "vocab_size" && entry.second == Value(int64_t{0}); });
  return keys;
}

}  // namespace

InitFrom parse_init_from(const std::string& text) {
  if (text.starts_with(kHf) && text.size() > kHf.size()) return {InitFrom::Kind::hf, text.substr(kHf.size())};
  if (text.starts_with(kCheckpoint) && text.size() > kCheckpoint.size())
    return {InitFrom::Kind::checkpoint, text.substr(kCheckpoint.size())};
  std::string hint = "hf:DIR is a folder of Hugging Face, ckpt:PATH a run or checkpoint of gptcore";
  if (std::error_code none; fs::exists(text, none)) hint = "write hf:" + text + " or ckpt:" + text + ": " + hint;
  if (text == "scratch") hint = "leave it out to start from random weights; --resume never does so where a run stands already";
  if (text == "resume") hint = "leave it out: a run that was stopped goes on by itself; --resume PATH goes on from another";
  if (text.starts_with("gpt2")) hint = "download " + text + " from Hugging Face and write hf: and its folder";
  throw Error(Code::out_of_range, "'init_from' wants hf:DIR or ckpt:PATH, got " + to_toml(Value(text)), hint);
}

Table values_of(const InitFrom& from) {
  return from.kind == InitFrom::Kind::hf ? read_hf_config(from.path) : checkpoint_values(from.path);
}

std::string tokenizer_of(const InitFrom& from) {
  if (from.kind == InitFrom::Kind::hf) return "";
  try {
    ErrorList errors;
    const Document document = read_document((newest_checkpoint(from.path) / "config.toml").string(), errors);
    return document.tokenizer ? document.tokenizer->text("use") : "";
  } catch (const Error&) {
    return "";  // values_of() tells it
  }
}

fs::path newest_checkpoint(const fs::path& given) {
  const auto files = posix_file_system();
  const fs::path path = given.has_filename() ? given : given.parent_path();
  if (const auto steps = list_steps(*files, checkpoint_folder(path)); !steps.empty())
    return checkpoint_folder(path) / step_name(steps.front());
  if (files->kind(path / kManifestFile) == FileKind::file) return path;
  throw Error(Code::checkpoint_missing,
              "'" + path.string() + "' " + (files->kind(path) == FileKind::absent ? "does not exist" : "holds no checkpoint"),
              "give a run folder or one of its ckpt/step-* folders");
}

}  // namespace gptcore
