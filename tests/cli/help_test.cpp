// Help and completion: what the program says of its verbs, actions and options, and that each of them can be completed.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "core/options/prepare_options.h"
#include "core/options/sample_options.h"
#include "tests/catch.h"
#include "tests/cli/workspace.h"

using namespace gptcore::test;

namespace {

using Words = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words all_matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Words found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

Words verbs_of(const Workspace& w) {
  return all_matches(w.gptcore({"help"}).out, R"((?:^|\n)  ([a-z]+) +)");
}

Words actions_of(const Workspace& w, const std::string& verb) {
  return all_matches(w.gptcore({"help", verb}).out, "(?:^|\n)gptcore " + verb + " ([a-z]+) ");
}

// Those that its help describes: a line that begins with two blanks and the option.
Words options_of(const Workspace& w, const Words& verb_and_action) {
  return all_matches(w.gptcore(Words{"help"} + verb_and_action).out, R"((?:^|\n)  (?:-[a-z] \[ )?(--[a-z][a-z-]*))");
}

// The man page's text under each heading ".SS NAME ..." and ".SH OPTIONS".
std::map<std::string, std::string> man_page() {
  const char* const source = std::getenv("GPTCORE_SOURCE");
  REQUIRE(source);
  std::string text = std::regex_replace(read(std::string(source) + "/docs/man/gptcore.1"), std::regex(R"(\\(-))"), "$1");
  std::map<std::string, std::string> sections;
  std::istringstream lines(text);
  std::string heading;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".SS ") || line.starts_with(".SH ")) heading = line.substr(4);
    sections[heading] += line + "\n";
  }
  return sections;
}

// What a shell offers for the last of these words.
std::set<std::string> completed(const Workspace& w, const Words& words) {
  const Outcome outcome = w.gptcore(Words{"complete", "--"} + words);
  CHECK(outcome.status == 0);
  CHECK(outcome.err == "");
  const Words offers = all_matches(outcome.out, "(?:^|\n)([^\t\n]+)\t");
  return {offers.begin(), offers.end()};
}

// Checks that a verb has the option of a stage's key, says its default, and refuses a value out of its range.
void check_option(const Workspace& w, const Words& verb_and_file, const gptcore::ParamSpec& key) {
  std::string option = "--" + key.name;
  std::replace(option.begin(), option.end(), '_', '-');
  INFO(verb_and_file[0] << " " << option);
  const std::string help = std::regex_replace(w.gptcore({"help", verb_and_file[0]}).out, std::regex(R"(\s+)"), " ");
  CHECK(has(help, " " + option + " "));
  const gptcore::Value& fallback = key.fallback;
  const bool text = fallback.is<std::string>() && key.name != "prompt" && fallback.as<std::string>() != "";
  if (text) CHECK(has(help, "(default " + fallback.as<std::string>() + ")"));
  if (fallback.is<int64_t>() || fallback.is<double>()) CHECK(has(help, "(default " + gptcore::to_toml(fallback) + ")"));
  if (!key.maximum) return;
  const auto beyond = static_cast<int64_t>(*key.maximum) * 10;
  const Outcome outcome = w.gptcore(verb_and_file + Words{option + "=" + std::to_string(beyond)});
  CHECK(refusal(outcome) == "GC104");
  CHECK(has(outcome.err, "'" + option + "' expects " + gptcore::range_text(key)));
}

}  // namespace

TEST_CASE("gptcore help, help VERB and VERB --help are the same texts on standard output") {
  const Workspace w;
  CHECK(w.gptcore({"help"}).out == w.gptcore({"--help"}).out);
  const Words verbs = verbs_of(w);
  CHECK(verbs.size() >= 14);
  std::set<std::string> texts;
  for (const std::string& verb : verbs) {
    INFO(verb);
    const Outcome help = w.gptcore({"help", verb});
    CHECK(help.status == 0);
    CHECK(help.err == "");
    CHECK(has(help.out, "gptcore " + verb));
    if (verb != "help") CHECK(w.gptcore({verb, "--help"}).out == help.out);
    texts.insert(help.out);
  }
  CHECK(texts.size() == verbs.size());
}

TEST_CASE("the help of an action is its own") {
  const Workspace w;
  int actions = 0;
  for (const std::string& verb : verbs_of(w))
    for (const std::string& action : actions_of(w, verb)) {
      INFO(verb << " " << action);
      const Outcome help = w.gptcore({verb, action, "--help"});
      CHECK(help.status == 0);
      CHECK(help.out.rfind("gptcore " + verb + " " + action + " ", 0) == 0);
      CHECK(help.out == w.gptcore({"help", verb, action}).out);
      CHECK(all_matches(help.out, "(?:^|\n)(gptcore " + verb + " )").size() == 1);
      ++actions;
    }
  CHECK(actions >= 12);
  const std::string list = w.gptcore({"plugins", "list", "--help"}).out;
  CHECK(has(list, "--json"));
  CHECK_FALSE(has(list, "--kind"));
  CHECK(has(w.gptcore({"plugins", "new", "--help"}).out, "--kind"));
  CHECK(has(w.gptcore({"data", "sample", "--help"}).out, "--tokens"));
  CHECK_FALSE(has(w.gptcore({"data", "info", "--help"}).out, "--tokens"));
}

TEST_CASE("help on what there is not names what there is") {
  const Workspace w;
  const Outcome verb = w.gptcore({"help", "rnu"}), action = w.gptcore({"plugins", "lst", "--help"});
  CHECK(refusal(verb) == "GC001");
  CHECK(has(verb.err, "did you mean 'run'?"));
  CHECK(action.status == 2);
  CHECK(has(action.err, "did you mean 'list'?"));
  CHECK(w.gptcore({"help", "plugins", "list", "more"}).status == 2);
}

TEST_CASE("every verb, action and option of the help is completed") {
  const Workspace w;
  const Words verbs = verbs_of(w), global = options_of(w, {});
  CHECK(std::count(global.begin(), global.end(), "--error-format") == 1);
  const auto completes = [&](const Words& before, const std::string& word) {
    INFO(word);
    CHECK(completed(w, before + Words{word.substr(0, 4)}).contains(word));
  };
  for (const std::string& verb : verbs) {
    completes({}, verb);
    Words actions = actions_of(w, verb);
    for (const std::string& action : actions) completes({verb}, action);
    if (verb == "help") actions.clear();
    if (actions.empty()) actions.emplace_back();
    for (const std::string& action : actions) {
      const Words words = action.empty() ? Words{verb} : Words{verb, action};
      INFO(verb << " " << action);
      const std::set<std::string> offered = completed(w, words + Words{"--"});
      for (const std::string& option : global) CHECK(offered.contains(option));
      for (const std::string& option : options_of(w, words)) {
        INFO(option);
        CHECK(offered.contains(option));
      }
    }
  }
}

TEST_CASE("what is completed depends on the words before it") {
  const Workspace w;
  using Set = std::set<std::string>;
  CHECK(completed(w, {"run", "x.toml", "--resume", ""}) == Set{"auto", "never"});
  CHECK(completed(w, {"run", "--resume=n"}) == Set{"--resume=never"});
  CHECK(completed(w, {"run", "--resume", "=", "n"}) == Set{"never"});  // as bash splits it
  CHECK(completed(w, {"--error-format", "j"}) == Set{"json"});
  CHECK(completed(w, {"--plugin", "./x.so", "plugins", "li"}) == Set{"list"});
  CHECK(completed(w, {"plugins", "new", "x", "--kind", "op"}) == Set{"operation"});
  CHECK(completed(w, {"plugins", "info", "byt"}) == Set{"byte"});
  CHECK(completed(w, {"help", "plugins", "l"}) == Set{"list", "lock"});
  CHECK(completed(w, {"bench", "cpu"}) == Set{"cpu-baby"});
  CHECK(completed(w, {"rnu", ""}).empty());  // there is no such verb
  CHECK_FALSE(completed(w, {"plugins", "list", "--"}).contains("--kind"));
  for (const Words& file :
       std::vector<Words>{{"run", ""}, {"--plugin", ""}, {"config", "check", ""}, {"export", "x", "--to", ""}})
    CHECK(completed(w, file).empty());  // the shell offers files
}

TEST_CASE("the man page has every verb, action and option of the help, and no others") {
  const Workspace w;
  const std::string option = "(--[a-z][a-z-]*)";
  const Words global = options_of(w, {});
  std::set<std::string> known = {"help"}, options(global.begin(), global.end());
  std::map<std::string, std::string> sections = man_page();
  const auto described = [&](const std::string& name) -> std::string {
    for (const auto& [heading, text] : sections)
      if (heading == name || heading.starts_with(name + " ")) return text;
    return {};
  };
  const auto check = [&](const std::string& name, const Words& of_help) {
    INFO(name);
    const std::string text = described(name);
    CHECK(text != "");
    const Words shown = all_matches(text, option);
    for (const std::string& each : of_help) {
      INFO(each);
      CHECK(std::count(shown.begin(), shown.end(), each) > 0);
    }
    known.insert(name);
    options.insert(of_help.begin(), of_help.end());
  };
  check("OPTIONS", global);
  for (const std::string& verb : verbs_of(w)) {
    const Words actions = verb == "help" ? Words{} : actions_of(w, verb);
    if (actions.empty()) check(verb, options_of(w, {verb}));
    for (const std::string& action : actions) check(verb + " " + action, options_of(w, {verb, action}));
  }
  for (const auto& [heading, text] : sections) {
    if (!text.starts_with(".SS ")) continue;
    INFO(heading);
    CHECK(std::any_of(known.begin(), known.end(),
                      [&](const std::string& name) { return heading == name || heading.starts_with(name + " "); }));
    for (const std::string& each : all_matches(text, option)) {
      INFO(each);
      CHECK(options.contains(each));
    }
  }
}

TEST_CASE("sample and prepare have an option for each key of their stages, with its default and range") {
  const Workspace w;
  const auto sample = gptcore::schema_of<gptcore::SampleOptions>();
  for (const auto& key : sample.specs()) check_option(w, {"sample", "out"}, key);
  const auto prepare = gptcore::schema_of<gptcore::PrepareOptions>();
  for (const auto& key : prepare.specs()) check_option(w, {"prepare", "tiny.toml"}, key);
}

TEST_CASE("options of prepare count over its stage, whose keys count over the defaults") {
  const Workspace w;
  w.write("tiny.toml", read(w.path("tiny.toml")) + "\n[[stage]]\nkind = \"prepare\"\nout = \"a\"\ntokens_per_shard = 9000\n");
  const auto prepared = [&](const Words& options) {
    const Outcome outcome = w.gptcore(Words{"prepare", "tiny.toml", "--json"} + options);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const auto told = nlohmann::json::parse(outcome.out);
    const std::string folder = std::filesystem::path(std::string(told.at("folder"))).filename().string();
    return std::pair(folder, told.at("manifest").at("tokens_per_shard").get<int64_t>());
  };
  CHECK(prepared({}) == std::pair(std::string("a"), int64_t{9000}));
  CHECK(prepared({"--out", "b"}) == std::pair(std::string("b"), int64_t{9000}));
  CHECK(prepared({"--out", "c", "--tokens-per-shard", "3000"}) == std::pair(std::string("c"), int64_t{3000}));
}
