#include "apps/gptcore/option_values.h"

#include <boost/program_options/value_semantic.hpp>
#include <typeinfo>

#include "core/config/written_value.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

Type type_of(const po::option_description& option) {
  const auto* typed = dynamic_cast<const po::typed_value_base*>(option.semantic().get());
  if (!typed) return Type::text;
  if (typed->value_type() == typeid(bool)) return Type::boolean;
  if (typed->value_type() == typeid(int64_t)) return Type::integer;
  return typed->value_type() == typeid(double) ? Type::number : Type::text;
}

std::string example(const std::string& name, Type type) {
  if (type == Type::boolean) return "write --" + name + " alone, or --" + name + "=true or =false";
  return "write it as --" + name + (type == Type::integer ? "=1000 or --" + name + "=1e3" : "=0.5");
}

}  // namespace

std::optional<std::string> option_word(const po::option_description& option, const std::string& text) {
  const std::string& name = option.long_name();
  if (text.empty()) refuse_no_value("--" + name + "=");
  ParamSpec spec;
  spec.type = type_of(option);
  if (spec.type == Type::text) return "--" + name + "=" + text;
  const Value value = written_value(spec, text);
  if (const auto wrong = misfit(spec, value); wrong && wrong->wrong_type)
    throw Error(Code::wrong_type, "'--" + name + "' " + wrong->text, example(name, spec.type));
  if (spec.type != Type::boolean) return "--" + name + "=" + to_toml(value);
  return value.as<bool>() ? std::optional("--" + name) : std::nullopt;
}

void refuse_no_value(const std::string& written) {
  const bool equals = written.ends_with("=");
  throw Error(Code::usage, "'" + written + "' has no value", "write " + written + (equals ? "" : "=") + "VALUE");
}

void require_fit(const std::string& option, const ParamSpec& spec, const Value& value) {
  if (const auto wrong = misfit(spec, value)) throw Error(Code::out_of_range, "'--" + option + "' " + wrong->text);
}

void require_at_least(const std::string& option, int64_t least, int64_t value) {
  ParamSpec spec;
  spec.type = Type::integer;
  spec.minimum = static_cast<double>(least);
  require_fit(option, spec, value);
}

}  // namespace gptcore
