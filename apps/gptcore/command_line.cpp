#include "apps/gptcore/command_line.h"

#include <algorithm>
#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/parsers.hpp>
#include <cstdlib>

#include "apps/gptcore/option_values.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;

bool is_long_option(const std::string& text) {
  return text.size() > 2 && text.starts_with("--");
}

// "--num_samples=3" -> "num-samples"
std::string option_name(const std::string& argument) {
  std::string name = argument.substr(2, argument.find('=') == std::string::npos ? argument.npos : argument.find('=') - 2);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::vector<std::string> names_of(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& option : options.options()) names.push_back(option->long_name());
  return names;
}

// Whether it is no misspelt option, so that it can be a key of the pipeline.
bool may_be_key(const std::string& argument, const VerbOptions& options) {
  return options.overrides && !nearest(option_name(argument), names_of(options.visible));
}

[[noreturn]] void unknown_option(const std::string& argument, const VerbOptions& options) {
  const auto near = nearest(option_name(argument), names_of(options.visible));
  throw Error(Code::usage, "no option '" + argument + "'",
              near ? "did you mean '--" + *near + "'?" : "--help lists the options");
}

// The words of a command line that are no overrides, other options written with hyphens.
struct OtherWords {
  std::vector<std::string> words;
  // Overrides without "=" that a word of no option follows: their places, and that word's among `words`.
  std::vector<std::pair<size_t, size_t>> apart;
};

bool is_option(const std::string& text) {
  return text.size() > 1 && text[0] == '-' && !(text[1] >= '0' && text[1] <= '9') && text[1] != '.';
}

// The value of an option that stands apart from it, as in "--seed 3".
const std::string& next_value(const std::vector<std::string>& arguments, size_t option) {
  const size_t next = option + 1;
  if (next == arguments.size() || arguments[next] == "--" || is_long_option(arguments[next]))
    refuse_no_value(arguments[option]);
  return arguments[next];
}

OtherWords without_overrides(const VerbOptions& options, const std::vector<std::string>& arguments,
                             std::vector<Override>& overrides) {
  OtherWords rest;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      rest.words.insert(rest.words.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    if (!is_long_option(argument)) {
      rest.words.push_back(argument);
      continue;
    }
    const auto may_be_apart = [&] {
      if (i + 1 < arguments.size() && !is_option(arguments[i + 1]))
        rest.apart.emplace_back(overrides.size(), rest.words.size());
    };
    const std::string name = option_name(argument);
    const size_t equals = argument.find('=');
    if (name.empty()) throw Error(Code::usage, "'" + argument + "' names no option", "write --NAME=VALUE");
    if (options.overrides && name == "set") {
      if (equals == std::string::npos && i + 1 == arguments.size()) throw Error(Code::usage, "'--set' expects KEY=VALUE");
      const std::string text = equals == std::string::npos ? arguments[++i] : argument.substr(equals + 1);
      if (text.find('=') == text.npos) may_be_apart();
      overrides.push_back({text, "--set " + text});
    } else if (const auto* known = options.visible.find_nothrow(name, false)) {
      if (equals == std::string::npos && known->semantic()->max_tokens() == 0)
        rest.words.push_back("--" + name);
      else if (const auto word =
                   option_word(*known, equals == std::string::npos ? next_value(arguments, i++) : argument.substr(equals + 1)))
        rest.words.push_back(*word);
    } else if (options.overrides && equals != std::string::npos) {
      overrides.push_back({argument.substr(2), argument});
    } else if (may_be_key(argument, options)) {
      may_be_apart();
      overrides.push_back({argument.substr(2), argument, /*flag=*/true});
    } else {
      unknown_option(argument, options);
    }
  }
  return rest;
}

po::basic_command_line_parser<char> parser_of(const std::vector<std::string>& words, const po::options_description& all) {
  return po::command_line_parser(words).options(all).style(po::command_line_style::unix_style &
                                                           ~po::command_line_style::allow_guessing);
}

std::vector<std::string> without_option(const std::vector<std::string>& words, const po::options_description& all) {
  std::vector<std::string> found;
  for (const auto& option : parser_of(words, all).run().options)
    if (option.position_key >= 0) found.insert(found.end(), option.value.begin(), option.value.end());
  return found;
}

// Where there are more words without an option than the verb takes, "--learning_rate 3e-4" was meant as one.
void join(OtherWords& rest, std::vector<Override>& overrides, size_t too_many) {
  std::vector<size_t> taken;
  for (const auto& [item, word] : rest.apart) {
    const std::string& value = rest.words[word];
    if (taken.size() == too_many || value.ends_with(".toml") || value.ends_with(".py")) continue;
    Override& of = overrides[item];
    of = {of.text + "=" + value, of.written + " " + value, /*flag=*/false, /*apart=*/true};
    taken.push_back(word);
  }
  for (size_t i = taken.size(); i-- > 0;) rest.words.erase(rest.words.begin() + static_cast<std::ptrdiff_t>(taken[i]));
}

[[noreturn]] void refuse_word(const std::string& word, const VerbOptions& options) {
  std::string hint = "--help shows the form";
  if (word.ends_with(".py"))
    hint = "it is Python: give each of its keys as --KEY=VALUE, or write them into the pipeline file";
  else if (options.overrides && word.find('=') != word.npos)
    hint = "write --" + word;
  throw Error(Code::usage, "'" + word + "' is one argument too many", hint);
}

void check_plugin_options(const GlobalArguments& given) {
  for (const std::string& file : given.plugin_files)
    if (file.find('/') == std::string::npos)
      throw Error(Code::plugin_bare_name, "'--plugin' expects a path with a slash, got '" + file + "'",
                  "write --plugin ./" + file);
  if (!given.safe_mode) return;
  if (!given.plugin_files.empty())
    throw Error(Code::usage,
                "'--safe-mode' loads installed plugins only, but '--plugin " + given.plugin_files[0] + "' is given",
                "leave one of them out");
  if (const char* path = std::getenv("GPTCORE_PLUGIN_PATH"); path && *path)
    throw Error(Code::usage,
                "'--safe-mode' loads installed plugins only, but GPTCORE_PLUGIN_PATH is set to '" + std::string(path) + "'",
                "unset it");
}

}  // namespace

VerbArguments parse_arguments(const VerbOptions& options, const std::vector<std::string>& arguments) {
  VerbArguments out;
  OtherWords rest = without_overrides(options, arguments, out.overrides);
  po::options_description all;
  all.add(options.visible).add(options.positional);
  try {
    const size_t takes = options.order.max_total_count(), given = without_option(rest.words, all).size();
    if (given > takes) join(rest, out.overrides, given - takes);
    if (const auto words = without_option(rest.words, all); words.size() > takes) refuse_word(words[takes], options);
    po::store(parser_of(rest.words, all).positional(options.order).run(), out.values);
  } catch (const po::unknown_option& e) {
    const bool one_hyphen = options.overrides && e.get_option_name().find("--") != 0;
    throw Error(Code::usage, "no option '" + e.get_option_name() + "'",
                one_hyphen ? "a key has two hyphens, --KEY=VALUE; --help lists the options" : "--help lists the options");
  } catch (const po::multiple_occurrences& e) {
    throw Error(Code::usage, "'" + e.get_option_name() + "' is given more than once", "leave one of them out");
  } catch (const po::error& e) {
    throw Error(Code::usage, e.what(), "--help lists the options");
  }
  return out;
}

void take_overrides(VerbOptions& options) {
  options.overrides = true;
  options.visible.add_options()("set", po::value<std::string>()->value_name("KEY=VALUE"),
                                "a value over the file's, as train.learning_rate=3e-4; --KEY=VALUE does the same, and a key "
                                "that one table has may stand alone: --learning_rate=3e-4, --eval_only");
}

VerbOptions pipeline_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("file", po::value<std::string>());
  options.order.add("file", 1);
  take_overrides(options);
  return options;
}

VerbOptions global_options() {
  VerbOptions options;
  options.visible.add_options()("plugin", po::value<std::string>()->value_name("FILE"),
                                "a plugin beyond the installed ones; may be given more than once");
  options.visible.add_options()("safe-mode", po::bool_switch(),
                                "installed plugins only: none of --plugin, [plugins].load or GPTCORE_PLUGIN_PATH");
  options.visible.add_options()("allow-insecure-plugins", po::bool_switch(), "also plugin files that other users may change");
  options.visible.add_options()("error-format", po::value<std::string>()->value_name("text|json"),
                                "how errors, warnings and progress are printed on standard error");
  options.visible.add_options()("color", po::value<std::string>()->value_name("auto|always|never"),
                                "auto: on a terminal, unless NO_COLOR is set");
  options.visible.add_options()("help,h", po::bool_switch(), "help on the program, a verb or an action");
  options.visible.add_options()("version", po::bool_switch(), "the versions of the program, its SDK and LibTorch");
  return options;
}

namespace {

// Reads the words one by one; see GlobalArguments.
class GlobalReader {
 public:
  GlobalReader(int argc, const char* const* argv) : all_(argv + 1, argv + argc) {}

  GlobalArguments read() {
    for (; at_ < all_.size(); ++at_) {
      if (all_[at_] == "--") options_ = false;
      if (!options_ || !take_option(all_[at_])) take_word(all_[at_]);
    }
    if (!out_.wrong) attempt([&] { check_plugin_options(out_); });
    return std::move(out_);
  }

 private:
  bool take_option(const std::string& text) {
    if (is(text, "--plugin")) {
      attempt([&] { out_.plugin_files.push_back(value()); });
    } else if (is(text, "--error-format")) {
      attempt([&] { out_.error_format = choice("--error-format", {"text", "json"}); });
    } else if (is(text, "--color")) {
      attempt([&] { out_.color = choice("--color", {"auto", "always", "never"}); });
    } else if (is_flag(text, "--safe-mode")) {
      out_.safe_mode = true;
    } else if (is_flag(text, "--allow-insecure-plugins")) {
      out_.allow_insecure_plugins = true;
    } else if (text == "--help" || text == "-h") {
      out_.help = true;
    } else if (text == "--version" && out_.verb.empty()) {
      out_.version = true;
    } else {
      return false;
    }
    return true;
  }

  void take_word(const std::string& text) {
    if (!out_.verb.empty())
      out_.arguments.push_back(text);
    else if (text.starts_with("-"))
      attempt([&] { throw Error(Code::usage, "no option '" + text + "'", "the verb comes first; gptcore --help lists them"); });
    else
      out_.verb = text;
  }

  std::string value() {
    const std::string& text = all_[at_];
    if (text.ends_with("=") || (text.find('=') == text.npos && at_ + 1 == all_.size())) refuse_no_value(text);
    if (const size_t equals = text.find('='); equals != text.npos) return text.substr(equals + 1);
    return all_[++at_];
  }

  std::string choice(const std::string& option, const std::vector<std::string>& choices) {
    std::string text = value();
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      throw Error(Code::usage, "'" + option + "' expects one of " + listed(choices) + ", got '" + text + "'",
                  did_you_mean(text, choices));
    return text;
  }

  template <class F> void attempt(F&& read) {
    try {
      read();
    } catch (const Error& e) {
      if (!out_.wrong) out_.wrong = e;
    }
  }

  // "--error_format=json" is "--error-format".
  static bool is(const std::string& text, const std::string& option) {
    return is_long_option(text) && "--" + option_name(text) == option;
  }
  static bool is_flag(const std::string& text, const std::string& option) {
    return is(text, option) && text.find('=') == text.npos;
  }

  std::vector<std::string> all_;
  size_t at_ = 0;
  bool options_ = true;
  GlobalArguments out_;
};

}  // namespace

GlobalArguments split_global(int argc, const char* const* argv) {
  return GlobalReader(argc, argv).read();
}

}  // namespace gptcore
