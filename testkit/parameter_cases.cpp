// Checks every item's parameters: what the schema allows works, and nothing else is accepted.
#include <cmath>

#include "core/config/config_errors.h"
#include "core/plugin/hosted.h"
#include "gptcore/error.h"
#include "testkit/cases.h"
#include "testkit/random_values.h"

namespace gptcore {
namespace {

Table with(Table table, const std::string& key, const Value& value) {
  std::erase_if(table, [&](const auto& entry) { return entry.first == key; });
  table.emplace_back(key, value);
  return table;
}

// Returns the program's errors for a pipeline with these parameters; a missing required one does not count.
std::vector<Error> refusals(const ItemSubject& s, const Table& parameters) {
  const ScratchFolder folder;
  TinyPlan plan = s.plan();
  plan.parameters = parameters;
  try {
    load_tiny_plan(plan, folder.path());
  } catch (const ConfigErrors& errors) {
    std::vector<Error> out = errors.errors();
    std::erase_if(out, [](const Error& e) { return e.code() == Code::missing_key; });
    return out;
  }
  return {};
}

void expect_refused(const ItemSubject& s, const ParamSpec& spec, const Value& value, Code code) {
  const auto errors = refusals(s, with(s.given, spec.name, value));
  expect(!errors.empty(), spec.name + " = " + to_toml(value) + " is accepted");
  expect(errors.front().code() == code,
         spec.name + " = " + to_toml(value) + " is refused for another reason: " + errors.front().line());
}

// Checks the values next to a bound, as TOML can write them; nothing where doubles are too coarse.
void check_bound(const ItemSubject& s, const ParamSpec& spec, double bound, bool open, double outward) {
  const bool integer = spec.type == Type::integer;
  const auto as_value = [&](double v) { return integer ? Value(static_cast<int64_t>(v)) : Value(v); };
  if (std::abs(bound) > 9e15) return;
  expect_refused(s, spec, as_value(open ? bound : bound + outward), Code::out_of_range);
  const auto wrong = refusals(s, with(s.given, spec.name, as_value(open && integer ? bound - outward : bound)));
  if (!open || integer) expect(wrong.empty(), "the bound itself is refused: " + (wrong.empty() ? "" : wrong.front().line()));
}

void bounds(const ItemSubject& s) {
  for (const ParamSpec& spec : s.item.params) {
    if (!spec.choices.empty()) expect_refused(s, spec, "no such choice", Code::out_of_range);
    if (spec.type != Type::integer && spec.type != Type::number) continue;
    if (spec.minimum) check_bound(s, spec, *spec.minimum, spec.minimum_open, -1);
    if (spec.maximum) check_bound(s, spec, *spec.maximum, spec.maximum_open, 1);
  }
}

void unknown_key(const ItemSubject& s) {
  const std::string known = s.item.params.empty() ? "" : s.item.params.front().name;
  const std::string key = known.empty() ? "no_such_key" : known + "x";
  const auto errors = refusals(s, with(s.given, key, 1));
  expect(!errors.empty() && errors.front().code() == Code::unknown_key, "the key '" + key + "' is not refused");
  const bool suggested = known.size() < 3 || errors.front().hint().find("'" + known + "'") != std::string::npos;
  expect(suggested, "the refusal of '" + key + "' does not suggest '" + known + "': " + errors.front().line());
}

void wrong_type(const ItemSubject& s) {
  for (const ParamSpec& spec : s.item.params) {
    if (spec.type == Type::any) continue;
    expect_refused(s, spec, spec.type == Type::table ? Value(1) : Value(Table{}), Code::wrong_type);
  }
}

// Makes the item without opening it, and destroys it.
void make(const ItemSubject& s, const PluginSet& plugins, const Table& values) {
  Status status;
  const Item& item = plugins.item(s.item.kind, s.item.name);
  Port* port = item.create(values, status);
  raise(status, {s.plugin.name, name_of(s.item.kind), s.item.name, s.plugin.path}, "create");
  expect(port != nullptr, "create() gave no object");
  item.destroy(port);
}

void defaults(const ItemSubject& s) {
  const Table values = s.values();
  PluginSet plugins;
  plugins.load(s.plugin.path);
  make(s, plugins, values);
}

void create_and_destroy(const ItemSubject& s) {
  const Table values = s.values();
  PluginSet plugins;
  plugins.load(s.plugin.path);
  for (int i = 0; i < 100; ++i) make(s, plugins, values);
}

// Returns whether a refusal tells the user something; any other is the plugin's mistake.
bool is_graceful(const Error& error) {
  return error.code() != Code::plugin_failed && error.code() != Code::internal;
}

void try_values(const ItemSubject& s, const Table& drawn) {
  const ScratchFolder folder;
  TinyPlan plan = s.plan();
  plan.steps = 2;
  for (const auto& [key, value] : drawn)
    if (!find(s.given, key)) plan.parameters.emplace_back(key, value);
  try {
    run_pipeline(load_tiny_plan(plan, folder.path()));
  } catch (const ConfigErrors&) {  // ${...} in a text, for example
  } catch (const Error& error) {
    if (!is_graceful(error)) throw CaseFailed(to_toml(Value(plan.parameters)) + ": " + error.line());
  }
}

void fuzz(const ItemSubject& s) {
  RandomValues random(s.seed);
  const Table base = s.values();
  PluginSet plugins;
  plugins.load(s.plugin.path);
  const Item& item = plugins.item(s.item.kind, s.item.name);
  for (int i = 0; i < 200; ++i) {
    Table values = base;
    for (const auto& [key, value] : random.table(s.item.params, 1e12))
      if (!find(s.given, key)) values = with(values, key, value);
    if (item.check(values).empty()) make(s, plugins, values);
  }
  for (int i = 0; i < 4; ++i) try_values(s, random.table(s.item.params, 64));
}

}  // namespace

void add_parameter_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "defaults", defaults);
  add_case(subject, cases, "bounds", bounds);
  add_case(subject, cases, "unknown_key", unknown_key);
  add_case(subject, cases, "wrong_type", wrong_type);
  add_case(subject, cases, "create_and_destroy", create_and_destroy);
  add_case(subject, cases, "fuzz", fuzz);
}

}  // namespace gptcore
