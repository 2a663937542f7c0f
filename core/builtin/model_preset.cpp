#include "core/builtin/model_preset.h"

#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "core/builtin/hf_config.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/config_errors.h"
#include "core/config/document.h"
#include "core/options/gpt_options.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxStateBytes = uint64_t{64} << 20;

// Keys that the user may set freely. All others fix the shapes and the function of the model "gpt" and come from the source.
bool may_differ_from_source(const std::string& key) {
  return key == "preset" || key == "init_from" || key == "dropout";
}

Value* entry_of(Table& table, const std::string& key) {
  for (auto& [name, value] : table)
    if (name == key) return &value;
  return nullptr;
}

// Returns the checkpoint folder that a run's or a checkpoint's path stands for, as open_checkpoint would choose it, without
// reading its files.
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

// Returns [model] of the checkpoint's config.toml, with the values that operations have changed since.
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
    if (const Entry* entry = document.model->find(spec.name); entry && !may_differ_from_source(spec.name))
      keys.emplace_back(spec.name, entry->value);
  const fs::path state = folder / "state.json";
  int64_t vocab_size = 0;  // that of the data, used when [model] has 0; older checkpoints lack it
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

// Returns the key's text, or "".
std::string text_of(const Table& given, const std::string& key) {
  const Value* value = find(given, key);
  return value && value->is<std::string>() ? value->as<std::string>() : std::string();
}

// Returns what to do about a value that a model from this source cannot have, or "". Tokens can be added, and positions left
// out at the end.
std::string refusal_of_size(const Table& source, const std::string& key, const Value& given, const Value& own) {
  if (given == own) return {};
  const bool sizes = given.is<int64_t>() && own.is<int64_t>();
  if (sizes && key == "vocab_size")
    return given.as<int64_t>() > own.as<int64_t>()
               ? std::string()
               : "a vocabulary can grow and not shrink: leave it out, or give " + to_toml(own) + " or more";
  if (sizes && key == "block_size") {
    const Value* rotary = find(source, "rotary");
    return given.as<int64_t>() < own.as<int64_t>() || (rotary && *rotary == Value(true))
               ? std::string()
               : "it has learned no further positions: leave it out, or give " + to_toml(own) + " or less";
  }
  return "leave it out, or give the same value";
}

}  // namespace

Table values_of(const InitFrom& from) {
  return from.kind == InitFrom::Kind::hf ? read_hf_config(from.path) : checkpoint_values(from.path);
}

std::vector<std::string> source_tokenizers(const Table& values) {
  const std::string init_from = text_of(values, "init_from");
  if (init_from.empty()) return {};
  try {
    const InitFrom from = parse_init_from(init_from);
    if (from.kind == InitFrom::Kind::hf) return {};
    ErrorList errors;
    const Document document = read_document((newest_checkpoint(from.path) / "config.toml").string(), errors);
    return document.tokenizer ? std::vector<std::string>{document.tokenizer->text("use")} : std::vector<std::string>();
  } catch (const Error&) {
    return {};  // model_preset() reports it
  } catch (const ConfigErrors&) {
    return {};
  }
}

Preset model_preset(const Table& given, const Table& written) {
  const std::string preset = text_of(given, "preset"), init_from = text_of(given, "init_from");
  if (init_from.empty()) return {"preset", "preset " + preset, gpt_preset(preset), {}, {}};
  Preset out{"init_from", "init_from " + init_from, {}, {}, {}};
  try {
    parse_init_from(text_of(written, "init_from"));
    const InitFrom from = parse_init_from(init_from);
    // Before a download the preset gives the sizes; a run that needs the weights reports that they are missing.
    if (!gpt_preset(preset).empty() && !std::filesystem::exists(from.path))
      return {"preset", "preset " + preset, gpt_preset(preset), {}, {}};
    out.values = values_of(from);
    out.refusal = [source = out.values](const std::string& key, const Value& value, const Value& own) {
      return refusal_of_size(source, key, value, own);
    };
    for (const auto& [key, value] : gpt_preset(preset))
      if (const Value* other = find(out.values, key); other && *other != value)
        throw Error(
            Code::conflict,
            "preset \"" + preset + "\" has " + key + " = " + to_toml(value) + ", and " + init_from + " has " + to_toml(*other),
            "leave preset out: init_from gives all sizes");
  } catch (const Error& e) {
    out.error = e;
  } catch (const ConfigErrors& e) {
    out.error = e.errors().front();
  }
  return out;
}

}  // namespace gptcore
