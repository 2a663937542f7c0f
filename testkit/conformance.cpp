#include "testkit/conformance.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

#include "core/config/document.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"
#include "testkit/case_process.h"
#include "testkit/cases.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

std::string qualified(const ItemInfo& item) {
  return name_of(item.kind) + ("/" + item.name);
}

const ItemInfo& item_of(const PluginFile& plugin, const std::string& name) {
  std::vector<std::string> names;
  for (const ItemInfo& item : plugin.items) {
    if (name == item.name || name == qualified(item)) return item;
    names.push_back(item.name);
  }
  throw Error(Code::unknown_name, "plugin '" + plugin.name + "' has no item '" + name + "'",
              did_you_mean(name, names, "it has " + listed(names)), plugin.path);
}

// Returns the values of --set, by the item's qualified name.
std::map<std::string, Table> given_values(const PluginFile& plugin, const ConformanceRequest& request) {
  std::map<std::string, Table> out;
  for (const auto& [place, text] : request.settings) {
    const size_t dot = place.rfind('.');
    if (dot == std::string::npos) throw Error(Code::usage, "--set " + place + " names no item", "write --set ITEM.KEY=VALUE");
    const ItemInfo& item = item_of(plugin, place.substr(0, dot));
    const std::string key = place.substr(dot + 1);
    std::vector<std::string> keys;
    for (const ParamSpec& spec : item.params) keys.push_back(spec.name);
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      throw Error(Code::unknown_key, qualified(item) + " has no parameter '" + key + "'",
                  did_you_mean(key, keys, keys.empty() ? "it has none" : "it has " + listed(keys)));
    out[qualified(item)].emplace_back(key, parse_value(text));
  }
  return out;
}

void add_item_cases(const ItemSubject& subject, Cases& cases) {
  add_parameter_cases(subject, cases);
  add_run_cases(subject, cases);
  switch (subject.item.kind) {
    case Kind::tokenizer:
      return add_tokenizer_cases(subject, cases);
    case Kind::dataset:
      return add_dataset_cases(subject, cases);
    case Kind::model:
      return add_model_cases(subject, cases);
    case Kind::adapter:
      return add_adapter_cases(subject, cases);
    case Kind::operation:
      return add_operation_cases(subject, cases);
    case Kind::evaluator:
      return add_evaluator_cases(subject, cases);
    case Kind::logger:
      return add_logger_cases(subject, cases);
  }
}

Cases cases_of(const PluginFile& plugin, const ConformanceRequest& request, uint64_t seed) {
  const auto given = given_values(plugin, request);
  Cases cases;
  add_file_cases(plugin, cases);
  add_name_case(plugin, request.replaces, cases);
  for (const ItemInfo& item : plugin.items) {
    const auto values = given.find(qualified(item));
    add_item_cases({plugin, item, values == given.end() ? Table{} : values->second, seed}, cases);
  }
  std::erase_if(cases, [&](const Case& c) { return c.name.find(request.filter) == std::string::npos; });
  if (cases.empty()) throw Error(Code::unknown_name, "no case's name contains '" + request.filter + "'", "--list shows them");
  return cases;
}

class Printer {
 public:
  Printer(bool json, size_t width) : json_(json), width_(width) {}

  void print(const Case& c, const Verdict& v) {
    static constexpr const char* kWords[] = {"ok", "FAIL", "skip"};
    const char* word = kWords[static_cast<size_t>(v.result)];
    ++count_[static_cast<size_t>(v.result)];
    if (json_) {
      Json line = {{"name", c.name}, {"result", word}, {"ms", v.ms}};
      if (!v.reason.empty()) line["reason"] = v.reason;
      lines_.push_back(std::move(line));
      return;
    }
    std::printf("%-4s  %-*s  %6.0f ms%s%s\n", word, static_cast<int>(width_), c.name.c_str(), v.ms,
                v.reason.empty() ? "" : "  ", v.reason.c_str());
    std::fflush(stdout);
  }

  void summary(const PluginFile& plugin, double seconds) const {
    if (json_) {
      const Json all = {{"plugin", plugin.name},
                        {"file", plugin.path},
                        {"ok", count(Result::ok)},
                        {"failed", failed()},
                        {"skipped", count(Result::skipped)},
                        {"seconds", seconds},
                        {"cases", lines_}};
      std::printf("%s\n", all.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
      return;
    }
    std::printf("plugin %s: %zu cases, %zu ok, %zu failed, %zu skipped; %.1f s\n", plugin.name.c_str(),
                count(Result::ok) + failed() + count(Result::skipped), count(Result::ok), failed(), count(Result::skipped),
                seconds);
  }

  size_t failed() const { return count(Result::failed); }

 private:
  size_t count(Result result) const { return count_[static_cast<size_t>(result)]; }

  bool json_;
  size_t width_;
  size_t count_[3] = {0, 0, 0};
  Json lines_ = Json::array();
};

int list(const Cases& cases, bool json) {
  Json names = Json::array();
  for (const Case& c : cases) {
    if (!json) std::printf("%s\n", c.name.c_str());
    names.push_back(c.name);
  }
  if (json) std::printf("%s\n", names.dump(2).c_str());
  return 0;
}

uint64_t drawn_seed() {
  return std::random_device{}() % 1000000;
}

size_t longest_name(const Cases& cases) {
  size_t longest = 0;
  for (const Case& c : cases) longest = std::max(longest, c.name.size());
  return longest;
}

}  // namespace

int run_conformance(const ConformanceRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  const uint64_t seed = request.seed ? *request.seed : drawn_seed();
  const PluginFile plugin = read_plugin_file(request.file);
  const Cases cases = cases_of(plugin, request, seed);
  if (request.list) return list(cases, request.json);

  const ScratchFolder all;  // holds the files of every case, so that a crash leaves none
  ::setenv("TMPDIR", all.path().c_str(), /*overwrite=*/1);
  write_tiny_text(all.path());  // outlives the folders of single cases
  Printer printer(request.json, longest_name(cases));
  std::string unusable;
  for (const Case& c : cases) {
    Verdict verdict{Result::skipped, unusable, 0};
    if (unusable.empty()) verdict = request.in_process ? run_here(c.run) : run_in_child(c.run, request.seconds);
    if (verdict.result == Result::failed && c.name.ends_with("/fuzz"))
      verdict.reason += "; again by --reproduce " + std::to_string(seed) + " --filter " + c.name;
    if (verdict.result == Result::failed && c.name == "file/loads") unusable = "the plugin does not load";
    printer.print(c, verdict);
  }
  printer.summary(plugin, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return printer.failed() == 0 ? 0 : exit_code(Code::plugin_failed);
}

}  // namespace gptcore
