#include <cstring>

#include "core/config/config_errors.h"
#include "gptcore/error.h"
#include "testkit/case_process.h"
#include "testkit/cases.h"

namespace gptcore {
namespace {

bool is_unset(const Value& value) {
  return value.empty() || value == Value("") || value == Value(List{});
}

bool is_about_data(Code code) {
  const int number = static_cast<int>(code);
  return code == Code::missing_key || code == Code::conflict || code == Code::io || (number >= 300 && number < 400);
}

[[noreturn]] void need(const ItemSubject& subject, const std::string& key, const std::string& why) {
  throw CaseSkipped("needs --set " + subject.item.name + "." + key + "=VALUE: " + why);
}

// Loads the plan. A required parameter without --set is a skip; any other refusal is the plugin's failure.
RunPlan load(const ItemSubject& subject, const TinyPlan& plan, const ScratchFolder& folder) {
  for (const ParamSpec& spec : subject.item.params)
    if (spec.required && !find(plan.parameters, spec.name)) need(subject, spec.name, "it is required");
  return load_tiny_plan(plan, folder.path());
}

// Checks the rules over several parameters, which the plugin itself knows.
void check_rules(const ItemSubject& subject, const Table& values) {
  PluginSet plugins;
  plugins.load(subject.plugin.path);
  for (const Problem& problem : plugins.item(subject.item.kind, subject.item.name).check(values)) {
    const Value* value = find(values, problem.key);
    if (value && is_unset(*value) && !find(subject.given, problem.key)) need(subject, problem.key, problem.message);
    throw CaseFailed("its own rule refuses the values: '" + problem.key + "': " + problem.message);
  }
}

}  // namespace

TinyPlan ItemSubject::plan() const {
  TinyPlan plan;
  plan.file = plugin.path;
  plan.kind = item.kind;
  plan.item = item.name;
  plan.parameters = given;
  return plan;
}

Table ItemSubject::values() const {
  const ScratchFolder folder;
  const Table all = item_values(load(*this, plan(), folder).config, item.kind, item.name);
  check_rules(*this, all);
  return all;
}

std::unique_ptr<TinyWorld> ItemSubject::world() const {
  return std::make_unique<TinyWorld>(plugin.path);
}

RunOutcome ItemSubject::run(const TinyPlan& plan, const ScratchFolder& folder) const {
  const RunPlan loaded = load(*this, plan, folder);
  if (plan.kind) check_rules(*this, item_values(loaded.config, item.kind, item.name));
  const int code = run_pipeline(loaded);
  expect(code == 0, "the run ended with exit code " + std::to_string(code));
  const std::string printed = printed_so_far();
  if (const size_t off = printed.find("is switched off"); off != std::string::npos) {
    const size_t begin = printed.rfind('\n', off) + 1;
    throw CaseFailed(printed.substr(begin, printed.find('\n', off) - begin));
  }
  const std::filesystem::path run_dir = folder.path() / "run";
  RunOutcome out;
  out.records = run_records(run_dir);
  out.loss = losses(out.records);
  out.model = checkpoint_tensors(run_dir, "model.safetensors");
  out.optimizer = checkpoint_tensors(run_dir, "optimizer.safetensors");
  return out;
}

std::string ItemSubject::missing_file() const {
  for (const ParamSpec& spec : item.params) {
    const bool names_files = spec.type == Type::path || spec.type == Type::path_list;
    if (names_files && is_unset(spec.fallback) && !find(given, spec.name)) return spec.name;
  }
  return "";
}

void add_case(const ItemSubject& subject, Cases& cases, const std::string& name, std::function<void(const ItemSubject&)> run) {
  cases.push_back({subject.path() + "/" + name, [subject, body = std::move(run)] {
                     try {
                       body(subject);
                     } catch (const Error& error) {
                       const std::string file = subject.missing_file();
                       if (!file.empty() && is_about_data(error.code())) need(subject, file, error.what());
                       throw;
                     }
                   }});
}

void expect_equal(const RunOutcome& a, const RunOutcome& b, const std::string& what) {
  expect(a.loss.size() == b.loss.size(),
         what + ": " + std::to_string(a.loss.size()) + " and " + std::to_string(b.loss.size()) + " updates");
  for (size_t i = 0; i < a.loss.size(); ++i)
    expect(std::memcmp(&a.loss[i], &b.loss[i], sizeof(double)) == 0, what + ": the loss of update " + std::to_string(i) +
                                                                         " is " + std::to_string(a.loss[i]) + " and " +
                                                                         std::to_string(b.loss[i]));
  for (const std::string& apart : {difference(a.model, b.model), difference(a.optimizer, b.optimizer)})
    expect(apart.empty(), what + ": " + apart);
}

}  // namespace gptcore
