#include "vocabulary.h"

#include <algorithm>
#include <cstdio>

#include "byte_text.h"
#include "gptcore/error.h"

namespace gptcore::bpe {
const SpecialToken* Vocabulary::special(std::string_view text) const {
  const auto found = std::find_if(specials.begin(), specials.end(), [&](const SpecialToken& s) { return s.text == text; });
  return found == specials.end() ? nullptr : &*found;
}

void Vocabulary::add_special(const std::string& text) {
  if (const SpecialToken* there = special(text))
    throw Error(Code::conflict, "the special token '" + text + "' is there already, with the id " + std::to_string(there->id),
                "leave it out of special_tokens");
  specials.push_back({text, static_cast<int32_t>(tokens.size())});
  tokens.push_back(text);
}

void VocabularyBuilder::fail(const std::string& message, const std::string& where) {
  throw Error(Code::data_corrupt, message, "get the file again: it is damaged, or of another tokenizer", where);
}

void VocabularyBuilder::put(std::string bytes, int64_t id, const std::string& shown) {
  if (id < 0 || id >= static_cast<int64_t>(limit_))
    fail("the token '" + shown + "' has the id " + std::to_string(id) + ", but there are only " + std::to_string(limit_) +
         " tokens");
  const auto at = static_cast<size_t>(id);
  if (at >= present_.size()) {
    present_.resize(at + 1);
    made_.tokens.resize(at + 1);
  }
  if (present_[at]) fail("the id " + std::to_string(id) + " has two tokens; the second is '" + shown + "'");
  present_[at] = 1;
  made_.tokens[at] = std::move(bytes);
}

void VocabularyBuilder::add_token(const std::string& printable, int64_t id) {
  auto bytes = bytes_of(printable);
  if (!bytes || bytes->empty())
    fail("the token '" + printable + "' (id " + std::to_string(id) + ") is not written in GPT-2's characters for bytes");
  ids_.emplace(*bytes, static_cast<int32_t>(id));
  put(std::move(*bytes), id, printable);
}

void VocabularyBuilder::add_special(const std::string& text, int64_t id, bool always) {
  if (text.empty()) fail("the special token with the id " + std::to_string(id) + " is empty");
  if (made_.special(text)) fail("the special token '" + text + "' is there twice");
  put(text, id, text);
  made_.specials.push_back({text, static_cast<int32_t>(id), always});
}

int32_t VocabularyBuilder::token(const std::string& printable, const std::string& where) const {
  const auto bytes = bytes_of(printable);
  const auto found = bytes ? ids_.find(*bytes) : ids_.end();
  if (found == ids_.end()) fail("'" + printable + "' is merged, but is not in the vocabulary", where);
  return found->second;
}

void VocabularyBuilder::add_merge(const std::string& left, const std::string& right, const std::string& where) {
  Merge merge;
  merge.left = token(left, where);
  merge.right = token(right, where);
  const auto bytes = [&](int32_t id) { return made_.tokens[static_cast<size_t>(id)]; };
  const auto made = ids_.find(bytes(merge.left) + bytes(merge.right));
  if (made == ids_.end()) fail("a merge makes '" + left + right + "', which is not in the vocabulary", where);
  merge.made = made->second;
  made_.merges.push_back(merge);
}

Vocabulary VocabularyBuilder::finish() {
  for (size_t id = 0; id < present_.size(); ++id)
    if (!present_[id])
      fail("no token has the id " + std::to_string(id) + ", but there are ids up to " + std::to_string(present_.size() - 1));
  for (int byte = 0; byte < 256; ++byte)
    if (!ids_.contains(std::string(1, static_cast<char>(byte)))) {
      char shown[8];
      std::snprintf(shown, sizeof shown, "0x%02x", static_cast<unsigned>(byte));
      fail("the byte " + std::string(shown) + " has no token: this is not a byte-level vocabulary");
    }
  return std::move(made_);
}

}  // namespace gptcore::bpe
