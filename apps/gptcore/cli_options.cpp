#include "apps/gptcore/cli_options.h"

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>

#include "apps/gptcore/option_values.h"
#include "core/base/assert.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

std::string option_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

std::string form_of(const ParamSpec& spec) {
  std::string choices;
  for (const Choice& choice : spec.choices) choices += (choices.empty() ? "" : "|") + choice.text;
  if (!choices.empty()) return choices;
  if (spec.type == Type::integer) return "N";
  if (spec.type == Type::number) return "X";
  return spec.type == Type::path ? "PATH" : "TEXT";
}

std::string doc_of(const ParamSpec& spec) {
  return spec.doc + (spec.unit.empty() ? "" : ", in " + spec.unit) +
         (spec.type == Type::text_list ? "; may be given more than once" : "");
}

// Returns " (default 0.8)", or "" where the default is no number and no word.
std::string default_of(const Value& value) {
  const std::string text = value.is<std::string>() ? value.as<std::string>() : to_toml(value);
  const bool shown = value.is<std::string>() || value.is<int64_t>() || value.is<double>();
  return shown && !text.empty() ? " (default " + text + ")" : "";
}

template <class T> const po::value_semantic* semantic(const std::string& form) {
  return po::value<T>()->value_name(form);
}

const po::value_semantic* semantic_of(Type type, const std::string& form) {
  if (type == Type::boolean) return po::bool_switch();
  if (type == Type::integer) return semantic<int64_t>(form);
  if (type == Type::number) return semantic<double>(form);
  if (type == Type::text_list) return semantic<std::vector<std::string>>(form);
  return semantic<std::string>(form);
}

Value value_of(const VerbArguments& given, const char* name, Type type) {
  if (type == Type::boolean) return given.get<bool>(name);
  if (type == Type::integer) return given.get<int64_t>(name);
  if (type == Type::number) return given.get<double>(name);
  if (type != Type::text_list) return given.get<std::string>(name);
  const auto texts = given.get<std::vector<std::string>>(name);
  return List(texts.begin(), texts.end());
}

}  // namespace

CliOptions::CliOptions(const std::vector<ParamSpec>& keys) {
  for (const ParamSpec& spec : keys) options_.push_back({spec, form_of(spec), doc_of(spec)});
}

CliOptions& CliOptions::without(const std::string& key) {
  std::erase_if(options_, [&](const Option& option) { return option.spec.name == key; });
  return *this;
}

CliOptions& CliOptions::only(const std::vector<std::string>& keys) {
  std::erase_if(options_, [&](const Option& option) { return std::ranges::find(keys, option.spec.name) == keys.end(); });
  return *this;
}

CliOptions& CliOptions::describe(const std::string& key, std::string form, std::string doc) {
  Option& option = find(key);
  option.form = std::move(form);
  option.doc = std::move(doc);
  return *this;
}

CliOptions::Option& CliOptions::find(const std::string& key) {
  const auto found = std::ranges::find_if(options_, [&](const Option& option) { return option.spec.name == key; });
  GPTCORE_ASSERT(found != options_.end(), "the schema has the key that a verb describes");
  return *found;
}

void CliOptions::add_to(VerbOptions& options) const {
  for (const Option& o : options_)
    options.visible.add_options()(option_of(o.spec.name).c_str(), semantic_of(o.spec.type, o.form),
                                  (o.doc + default_of(o.spec.fallback)).c_str());
}

void CliOptions::read(const VerbArguments& given, Table& values) const {
  for (const Option& o : options_) {
    const std::string name = option_of(o.spec.name);
    if (!given.values.count(name) || given.values[name].defaulted()) continue;
    Value value = value_of(given, name.c_str(), o.spec.type);
    require_fit(name, o.spec, value);
    const auto same = [&](const auto& entry) { return entry.first == o.spec.name; };
    std::erase_if(values, same);
    values.emplace_back(o.spec.name, std::move(value));
  }
}

}  // namespace gptcore
