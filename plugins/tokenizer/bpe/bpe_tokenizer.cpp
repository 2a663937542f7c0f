#include "bpe_tokenizer.h"

#include <algorithm>

#include "gptcore/utf8.h"
#include "tokenizer_json.h"

namespace gptcore::bpe {
namespace {

// Returns the special tokens that `value` names. Throws Error(unknown_name) for a name that is none.
std::vector<const SpecialToken*> chosen(const Value& value, const char* key, const Vocabulary& vocabulary) {
  std::string wrong;
  const SpecialChoice choice = SpecialChoice::of(value, wrong);
  for (const std::string& text : choice.texts)
    if (!vocabulary.special(text))
      throw Error(Code::unknown_name, std::string(key) + " names '" + text + "', which is not a special token",
                  "add it to special_tokens");
  std::vector<const SpecialToken*> out;
  for (const SpecialToken& token : vocabulary.specials)
    if (choice.contains(token.text)) out.push_back(&token);
  return out;
}

void refuse_invalid(std::string_view text) {
  if (const size_t at = find_invalid_utf8(text); at != std::string_view::npos)
    throw Error(Code::data_corrupt, "the byte at offset " + std::to_string(at) + " is not UTF-8",
                "convert the text to UTF-8, or set invalid_utf8 = \"split\"");
}

bool contains(const std::vector<const SpecialToken*>& tokens, const SpecialToken* token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

std::vector<std::string> BpeTokenizer::asked_specials() const {
  std::vector<std::string> texts;
  if (chat_tokens_) texts = {"<|bos|>", "<|user_start|>", "<|user_end|>", "<|assistant_start|>", "<|assistant_end|>"};
  texts.insert(texts.end(), special_tokens_.begin(), special_tokens_.end());
  return texts;
}

void BpeTokenizer::find_problems(Problems& found) const {
  std::vector<std::string> texts = asked_specials();
  std::sort(texts.begin(), texts.end());
  if (!texts.empty() && texts.front().empty()) found.push_back({"special_tokens", "a special token is empty", ""});
  if (const auto twice = std::adjacent_find(texts.begin(), texts.end()); twice != texts.end())
    found.push_back({"special_tokens", "the special token '" + *twice + "' is there twice", "leave one of them out"});
  for (const std::string& text : texts)
    if (find_invalid_utf8(text) != std::string::npos) found.push_back({"special_tokens", "a special token is not UTF-8", ""});
  for (const auto& [key, value] :
       {std::pair{"allowed_special", &allowed_special_}, {"forbidden_special", &forbidden_special_}}) {
    std::string wrong;
    SpecialChoice::of(*value, wrong);
    if (!wrong.empty()) found.push_back({key, wrong, ""});
  }
}

void BpeTokenizer::set(Vocabulary vocabulary) const {
  state_->owner = std::make_unique<Encoder>(std::move(vocabulary));
  state_->encoder.store(state_->owner.get(), std::memory_order_release);
}

const Encoder& BpeTokenizer::encoder() const {
  if (const Encoder* there = state_->encoder.load(std::memory_order_acquire)) return *there;
  const std::lock_guard lock(state_->making);
  if (!state_->owner) {
    Vocabulary vocabulary = first_vocabulary();
    for (const std::string& text : asked_specials()) vocabulary.add_special(text);
    set(std::move(vocabulary));
  }
  return *state_->owner;
}

std::string BpeTokenizer::save() const {
  return format_tokenizer_json(encoder().vocabulary());
}

void BpeTokenizer::load(std::string_view saved) {
  Vocabulary vocabulary;
  try {
    vocabulary = parse_tokenizer_json(saved, "");
  } catch (const Error& e) {
    throw Error(Code::checkpoint_corrupt, std::string("the saved vocabulary cannot be used: ") + e.what());
  }
  for (const std::string& text : asked_specials())
    if (!vocabulary.special(text))
      throw Error(Code::checkpoint_mismatch, "the saved vocabulary has no special token '" + text + "'",
                  "keep special_tokens and chat_tokens as they were when it was saved");
  set(std::move(vocabulary));
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text) const {
  if (invalid_utf8_ == "refuse") refuse_invalid(text);
  const InvalidUtf8 rule = invalid_utf8_ == "split" ? InvalidUtf8::split : InvalidUtf8::tiktoken;
  const Encoder& by = encoder();
  std::vector<const SpecialToken*> wanted = chosen(allowed_special_, "allowed_special", by.vocabulary());
  for (const SpecialToken& token : by.vocabulary().specials)
    if (token.always && !contains(wanted, &token)) wanted.push_back(&token);
  const auto allowed = wanted;
  for (const SpecialToken* token : chosen(forbidden_special_, "forbidden_special", by.vocabulary()))
    if (!contains(wanted, token)) wanted.push_back(token);

  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4 + 8);  // typical of English
  SpecialSearch search(std::move(wanted), text);
  size_t at = 0;
  for (auto hit = search.next(0); hit.token; hit = search.next(at)) {
    if (!contains(allowed, hit.token))
      throw Error(Code::data_corrupt,
                  "the text has the special token '" + hit.token->text + "' at byte " + std::to_string(hit.begin) +
                      ", which forbidden_special forbids",
                  "take it out, or name it in allowed_special");
    by.encode(text.substr(at, hit.begin - at), rule, ids);
    ids.push_back(hit.token->id);
    at = hit.begin + hit.token->text.size();
  }
  by.encode(text.substr(at), rule, ids);
  return ids;
}

void* BpeTokenizer::extension(std::string_view id) {
  return extension_as<TokenizerJson>(this, id);
}

Status BpeTokenizer::tokenizer_json(std::string& out) noexcept {
  return guard([&] { out = save(); });
}

std::optional<int32_t> BpeTokenizer::special(std::string_view name) const {
  const SpecialToken* token = encoder().vocabulary().special(name);
  return token ? std::optional(token->id) : std::nullopt;
}

}  // namespace gptcore::bpe
