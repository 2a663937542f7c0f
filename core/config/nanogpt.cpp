#include "core/config/nanogpt.h"

#include <algorithm>

#include "core/config/near_misses.h"
#include "core/options/init_from.h"
#include "core/options/run_options.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

std::optional<bool> truth(const std::string& text) {
  if (text == "True" || text == "true") return true;
  if (text == "False" || text == "false") return false;
  return std::nullopt;
}

NanoGptKey refused(const std::string& key, const std::string& why, const std::string& hint) {
  return {{}, "no key '" + key + "': " + why, hint};
}

// Returns the key for a choice of run.precision, by any name of the choice.
std::optional<NanoGptKey> dtype(const std::string& value) {
  const Schema<RunOptions> run = schema_of<RunOptions>();
  const auto spec = std::find_if(run.specs().begin(), run.specs().end(), [](const auto& s) { return s.name == "precision"; });
  const std::string called = choice_called(value, *spec);
  if (misfit(*spec, called)) return std::nullopt;
  return NanoGptKey{{"run.precision=" + called}, {}, {}};
}

// nanoGPT's constant rate has no warm-up.
NanoGptKey decay_lr(bool decays) {
  if (decays) return {{"schedule=cosine"}, {}, {}};
  return {{"schedule=constant", "warmup_iters=0"}, {}, {}};
}

std::optional<NanoGptKey> init_from(const std::string& value) {
  if (value.starts_with("hf:") || value.starts_with("ckpt:") || value.empty()) return std::nullopt;
  try {
    parse_init_from(value);
  } catch (const Error& e) {
    return NanoGptKey{{}, e.what(), e.hint()};
  }
  return std::nullopt;
}

// "run.precision=bfloat16" -> "precision = \"bfloat16\" in [run]".
std::string as_toml(const std::string& item) {
  const size_t equals = item.find('='), dot = item.substr(0, equals).find('.');
  const std::string value = item.substr(equals + 1);
  const bool bare = value.find_first_not_of("0123456789") == value.npos;
  const std::string pair = item.substr(dot == item.npos ? 0 : dot + 1, equals - (dot == item.npos ? 0 : dot + 1)) + " = " +
                           (bare ? value : to_toml(Value(value)));
  return dot == item.npos ? pair : pair + " in [" + item.substr(0, dot) + "]";
}

}  // namespace

std::optional<NanoGptKey> nanogpt_key(const std::string& key, const std::string& value) {
  const std::optional<bool> flag = truth(value);
  const std::string loggers = "[[logger]] tables say where curves go; gptcore plugins list names the loggers";
  if (key == "dtype") return dtype(value);
  if (key == "decay_lr" && flag) return decay_lr(*flag);
  if (key == "init_from") return init_from(value);
  if ((key == "compile" || key == "wandb_log") && flag == false) return NanoGptKey{};
  if (key == "compile") return refused(key, "there is no compiler to switch on", "leave it out");
  if (key == "wandb_log") return refused(key, "curves are not sent to Weights & Biases", loggers);
  if (key == "wandb_project") return refused(key, "curves are not sent to Weights & Biases", "leave it out; " + loggers);
  if (key == "wandb_run_name") return refused(key, "a run's name is run.name", "write --run.name=" + value);
  if (key == "backend") return refused(key, "a run is one process", "leave it out");
  return std::nullopt;
}

std::string nanogpt_hint(const std::string& key, const Value& value) {
  const std::string text = value.is<std::string>() ? value.as<std::string>() : to_toml(value);
  if (key == "wandb_run_name") return "write " + as_toml("run.name=" + text);
  const auto found = nanogpt_key(key, text);
  if (!found) return {};
  if (!found->message.empty()) return found->hint;
  std::string hint;
  for (const std::string& item : found->overrides) hint += (hint.empty() ? "write " : " and ") + as_toml(item);
  return hint.empty() ? "leave it out" : hint;
}

}  // namespace gptcore
