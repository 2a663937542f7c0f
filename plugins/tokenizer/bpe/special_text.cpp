#include "special_text.h"

#include <algorithm>

namespace gptcore::bpe {

bool SpecialChoice::contains(const std::string& text) const {
  return all || std::find(texts.begin(), texts.end(), text) != texts.end();
}

SpecialChoice SpecialChoice::of(const Value& value, std::string& wrong) {
  SpecialChoice choice;
  if (value == Value("all")) {
    choice.all = true;
  } else if (value.is<List>()) {
    for (const Value& text : value.as<List>())
      if (text.is<std::string>())
        choice.texts.push_back(text.as<std::string>());
      else
        wrong = std::string("expects special tokens' texts, got ") + gptcore::type_name(text) + " " + to_toml(text);
  } else if (value != Value("none")) {
    wrong = "expects \"none\", \"all\" or a list of texts, got " + to_toml(value);
  }
  return choice;
}

SpecialSearch::SpecialSearch(std::vector<const SpecialToken*> wanted, std::string_view text) : text_(text) {
  for (const SpecialToken* token : wanted) ahead_.push_back({token, text.find(token->text)});
}

SpecialSearch::Hit SpecialSearch::next(size_t from) {
  Hit first;
  for (Hit& hit : ahead_) {
    if (hit.begin < from) hit.begin = text_.find(hit.token->text, from);
    if (hit.begin == std::string_view::npos) continue;
    const bool longer = hit.begin == first.begin && hit.token->text.size() > first.token->text.size();
    if (hit.begin < first.begin || longer) first = hit;
  }
  return first;
}

}  // namespace gptcore::bpe
