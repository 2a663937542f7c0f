// gptcore complete prints what the shells' completions offer. It takes each verb's options from the verb itself.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "apps/gptcore/verbs.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Offers = std::vector<std::pair<std::string, std::string>>;  // a word and what it means

// "text|json" -> text, json. A word that is not in small letters stands for something else: "auto|never|PATH".
std::vector<std::string> choices_of(const po::option_description& option) {
  std::string form = option.semantic()->name();
  form = form.substr(0, form.find(' '));  // without "(=default)"
  std::vector<std::string> choices;
  if (form.find('|') == form.npos) return choices;
  for (size_t begin = 0; begin <= form.size();) {
    const size_t end = std::min(form.find('|', begin), form.size());
    const std::string choice = form.substr(begin, end - begin);
    if (std::none_of(choice.begin(), choice.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) choices.push_back(choice);
    begin = end + 1;
  }
  return choices;
}

class Completion {
 public:
  // Reads all words but the last, which is the unfinished one.
  explicit Completion(std::vector<std::string> words) : words_(std::move(words)) {
    options_.push_back(global_options());
    if (words_.empty()) words_.emplace_back();
    for (size_t i = 0; i + 1 < words_.size(); ++i) read(words_[i]);
  }

  Offers offers() const {
    const std::string& word = words_.back();
    const size_t equals = word.find('=');
    if (word.starts_with("--") && equals != word.npos) {
      Offers values = values_of(find_option(word.substr(0, equals)));
      for (auto& [value, meaning] : values) value.insert(0, word.substr(0, equals + 1));
      return values;
    }
    if (awaited_) return values_of(awaited_);
    if (word.starts_with("-")) return options();
    return words_here();
  }

 private:
  // Bash makes three words of "--resume=auto".
  void read(const std::string& word) {
    if (word == "=") return;
    if (std::exchange(awaited_, nullptr)) return;
    if (word.starts_with("-")) {
      const po::option_description* option = find_option(word);
      if (option && option->semantic()->max_tokens() > 0 && word.find('=') == word.npos) awaited_ = option;
    } else if (!verb_) {
      take_verb(word);
    } else if (verb_->actions && !action_) {
      for (const Action& action : verb_->actions())
        if (action.name == word) options_.push_back((action_ = &action)->options());
    } else {
      rest_.push_back(word);
    }
  }

  void take_verb(const std::string& word) {
    for (const Verb& verb : verbs())
      if (verb.name == word) verb_ = &verb;
    no_verb_ = !verb_;
    if (verb_ && verb_->options) options_.push_back(verb_->options());
  }

  const po::option_description* find_option(const std::string& word) const {
    std::string name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
    std::replace(name.begin(), name.end(), '_', '-');
    for (const VerbOptions& options : options_)
      for (const auto& option : options.visible.options())
        if (option->long_name() == name) return option.get();
    return nullptr;
  }

  static Offers values_of(const po::option_description* option) {
    Offers out;
    if (option)
      for (const std::string& choice : choices_of(*option)) out.emplace_back(choice, option->description());
    return out;
  }

  Offers options() const {
    Offers out;
    for (const VerbOptions& options : options_)
      for (const auto& option : options.visible.options()) out.emplace_back("--" + option->long_name(), option->description());
    return out;
  }

  // Returns what may stand where no option does: verbs, actions, or names; nothing for files.
  Offers words_here() const {
    Offers out;
    if (no_verb_) return out;
    if (!verb_) {
      for (const Verb& verb : verbs()) out.emplace_back(verb.name, verb.doc);
    } else if (verb_->actions && !action_) {
      return actions();
    } else if (verb_->run == help_verb && rest_.size() == 1) {
      return Completion({rest_[0], ""}).actions();
    } else if (const auto names = action_ ? action_->words : verb_->words; names && rest_.empty()) {
      for (const std::string& name : names()) out.emplace_back(name, "");
    }
    return out;
  }

  Offers actions() const {
    Offers out;
    if (verb_ && verb_->actions)
      for (const Action& action : verb_->actions()) out.emplace_back(action.name, action.doc);
    return out;
  }

  std::vector<std::string> words_;
  std::vector<VerbOptions> options_;
  const Verb* verb_ = nullptr;
  bool no_verb_ = false;  // the first word that is not an option is not a verb
  const Action* action_ = nullptr;
  const po::option_description* awaited_ = nullptr;  // the option whose value comes next
  std::vector<std::string> rest_;                    // words after verb and action that are not options
};

}  // namespace

int complete_verb(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  std::vector<std::string> words = arguments;
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  const std::string begun = words.empty() || words.back() == "=" ? "" : words.back();
  for (const auto& [word, meaning] : Completion(std::move(words)).offers())
    if (word.starts_with(begun)) std::printf("%s\t%s\n", word.c_str(), meaning.c_str());
  return 0;
}

}  // namespace gptcore
