// Values of a verb's own options, in the spellings that a pipeline's keys have on the command line, and what to say of others.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "gptcore/schema.h"

namespace gptcore {

// What the option says with that value, as one word that Boost reads: "--seed=1000" for 1e3, "--json" for True; absent for a
// switch that is False. Throws Error(usage) for no value, Error(wrong_type) for one of another type.
std::optional<std::string> option_word(const boost::program_options::option_description& option, const std::string& text);

// Error(usage) for an option that has no value; `written` is how it stands on the command line.
[[noreturn]] void refuse_no_value(const std::string& written);

// Throws Error(out_of_range) where `spec` does not take the option's value. The option is named without hyphens.
void require_fit(const std::string& option, const ParamSpec& spec, const Value& value);
void require_at_least(const std::string& option, int64_t least, int64_t value);

// The same by the key of that name that `Options` have.
template <class Options> void require_fit(const std::string& option, const Value& value) {
  std::string key = option;
  for (char& c : key)
    if (c == '-') c = '_';
  const Schema<Options> schema = schema_of<Options>();
  for (const ParamSpec& spec : schema.specs())
    if (spec.name == key) require_fit(option, spec, value);
}

}  // namespace gptcore
