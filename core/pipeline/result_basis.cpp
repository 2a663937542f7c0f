#include "core/pipeline/result_basis.h"

#include <chrono>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>

#include "core/base/hash.h"
#include "core/pipeline/stages.h"
#include "core/pipeline/state_fields.h"
#include "core/pipeline/tensor_files.h"

namespace gptcore {
namespace {

// Keys of hashes have no dot, those of settings have one.
bool is_hash(const std::string& key) {
  return key.find('.') == std::string::npos;
}

// Returns whether the model, the tokens or the rounding depend on the setting. A hash stands for the origin of the weights.
bool affects_results(const std::string& key) {
  for (const char* table : {"tokenizer.", "dataset.", "model.", "adapter."})
    if (key.starts_with(table)) return key != "model.preset" && key != "model.init_from";
  return key == "run.seed" || key == "run.precision";
}

std::string hash_of_weights(const StageContext& c) {
  Xxh3 hash;
  for (const auto& [name, tensor] : named_tensors(c.session.model->parameters())) {
    std::string head = name;
    for (const int64_t n : tensor.sizes()) head += " " + std::to_string(n);
    hash.update(std::as_bytes(std::span(head)));
    const at::Tensor values = tensor.detach().contiguous().cpu();
    hash.update({static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()});
  }
  return hash.hex();
}

// Returns the size and time of the file, or "" when the value names none.
std::string stamp_of(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return {};
  const auto size = std::filesystem::file_size(path, failed);
  const auto time = std::filesystem::last_write_time(path, failed).time_since_epoch();
  return failed ? std::string() : std::to_string(size) + " " + std::to_string(std::chrono::nanoseconds(time).count());
}

void add(Settings& basis, std::string& stamps, const std::string& prefix, const Section& section) {
  basis[prefix + ".use"] = section.use;
  for (const auto& [key, value] : section.values) {
    basis[prefix + "." + key] = to_toml(value);
    if (value.is<std::string>()) stamps += stamp_of(value.as<std::string>()) + "\n";
  }
}

}  // namespace

Settings result_basis(const StageContext& c, const StageConfig& stage) {
  Settings basis = settings_of(c.config);
  std::erase_if(basis, [](const auto& setting) { return !affects_results(setting.first); });
  std::string stamps;
  add(basis, stamps, stage.name, stage.table);
  for (const Section& evaluator : stage.evaluators)
    add(basis, stamps, evaluator.path.substr(std::string_view("stage.").size()), evaluator);
  for (const std::string& plugin : c.config.plugin_files) stamps += stamp_of(plugin) + "\n";
  basis["files"] = xxh3_hex(stamps);
  basis["weights"] = hash_of_weights(c);
  basis["structure"] = xxh3_hex(to_field(c.session.structure).dump());
  if (c.session.tokenizer) basis["tokenizer"] = xxh3_hex(c.session.tokenizer->save());
  if (c.session.dataset) {
    const std::lock_guard lock(c.session.dataset_mutex);
    basis["data"] = c.session.dataset->fingerprint();
  }
  if (const auto prompt = c.prompts.find(stage.name); prompt != c.prompts.end()) basis["prompt"] = xxh3_hex(prompt->second);
  return basis;
}

std::string basis_changes(const Settings& then, const Settings& now) {
  if (then.empty()) return "the version that did it did not record what the results depend on";
  std::string text;
  const auto add = [&](const std::string& change) { text += (text.empty() ? "" : ", ") + change; };
  const auto compare = [&](const std::string& key, const std::string& before, const std::string& after) {
    if (before != after) add(is_hash(key) ? "other " + key : key + ": " + before + " -> " + after);
  };
  for (const auto& [key, value] : then) {
    const auto found = now.find(key);
    compare(key, value, found == now.end() ? "absent" : found->second);
  }
  for (const auto& [key, value] : now)
    if (!then.contains(key)) compare(key, "absent", value);
  return text;
}

}  // namespace gptcore
