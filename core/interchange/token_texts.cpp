#include "core/interchange/token_texts.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "gptcore/draft/piece_model_file.h"
#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/error.h"
#include "gptcore/utf8.h"

namespace gptcore {
namespace {

using Json = nlohmann::json;
using Kind = TokenText::Kind;
using Texts = std::vector<TokenText>;

constexpr size_t kMaxTokens = size_t{1} << 24;

void put(Texts& texts, size_t id, TokenText text) {
  if (id >= kMaxTokens) throw std::runtime_error("the id " + std::to_string(id) + " is out of range");
  if (id >= texts.size()) texts.resize(id + 1);
  texts[id] = std::move(text);
}

// The byte of each character of GPT-2's alphabet, -1 for other ones: printable bytes are themselves, the others follow U+0100.
const std::array<int, 0x144>& bytes_of_characters() {
  static const auto table = [] {
    std::array<int, 0x144> bytes{};
    bytes.fill(-1);
    size_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
      bytes[printable ? static_cast<size_t>(byte) : next++] = byte;
    }
    return bytes;
  }();
  return table;
}

// The byte that a piece "<0x0A>" is for.
std::optional<char> byte_of_piece(const std::string& piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  int byte = 0;
  for (const char digit : piece.substr(3, 2)) {
    const auto value = std::string_view("0123456789ABCDEFabcdef").find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    byte = byte * 16 + static_cast<int>(value > 15 ? value - 6 : value);
  }
  return static_cast<char>(byte);
}

// SentencePiece's spelling.
TokenText piece_text(const std::string& piece, bool may_be_byte) {
  constexpr std::string_view kSpace = "\u2581";
  if (const auto byte = may_be_byte ? byte_of_piece(piece) : std::nullopt) return {Kind::byte, std::string(1, *byte)};
  std::string text;
  for (size_t at = 0; at < piece.size();) {
    const bool space = std::string_view(piece).substr(at).starts_with(kSpace);
    text += space ? ' ' : piece[at];
    at += space ? kSpace.size() : 1;
  }
  return {Kind::text, text};
}

// Whether a space stands before a word that begins so: not before punctuation, nor in writing without spaces.
bool follows_space(const std::string& word) {
  size_t at = 0;
  const int32_t c = next_code_point(word, at);
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  const auto within = [c](int32_t first, int32_t last) { return c >= first && c <= last; };
  return !within(0x80, 0xbf) && !within(0x2000, 0x206f) && !within(0x2e80, 0x9fff) && !within(0xf900, 0xfaff) &&
         !within(0xfe30, 0xfe4f) && !within(0xff00, 0xffef) && c < 0x20000;
}

// A token of a text that is cut into words: only what continues a word is marked, by `prefix`.
TokenText word_text(const std::string& token, const std::string& prefix) {
  if (!prefix.empty() && token.size() > prefix.size() && token.starts_with(prefix))
    return {Kind::text, token.substr(prefix.size())};
  if (token.empty()) return {};
  const bool space = follows_space(token);
  return {Kind::text, (space ? " " : "") + token, space};
}

// Whether a part of a tokenizer.json, or a part of that, is of this type.
bool has_type(const Json& part, const std::string& type) {
  if (part.is_object() && part.contains("type") && part.at("type") == type) return true;
  if (!part.is_structured()) return false;
  for (const Json& inner : part)
    if (has_type(inner, type)) return true;
  return false;
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// How the model of the file spells its tokens.
std::function<TokenText(const std::string&)> spelling_of(const Json& file, const Json& model, const std::string& type) {
  if (const std::string suffix = text_in(model, "end_of_word_suffix"); !suffix.empty())
    throw std::runtime_error("its tokens mark the end of a word by '" + suffix + "', which no other tokenizer's do");
  const auto within = [&](const char* key) { return file.contains(key) ? file.at(key) : Json(); };
  if (has_type(within("pre_tokenizer"), "ByteLevel") || has_type(within("decoder"), "ByteLevel")) return byte_level_text;
  if (type == "WordPiece" || type == "WordLevel")
    return
        [prefix = text_in(model, "continuing_subword_prefix")](const std::string& token) { return word_text(token, prefix); };
  return [bytes = model.value("byte_fallback", false)](const std::string& token) { return piece_text(token, bytes); };
}

Texts texts_by_decoding(const Tokenizer& tokenizer) {
  Texts texts(static_cast<size_t>(tokenizer.vocab_size()));
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    texts[i] = {Kind::text, tokenizer.decode({&id, 1})};
    if (!texts[i].bytes.empty() && tokenizer.special(texts[i].bytes) == id) texts[i].kind = Kind::special;
  }
  return texts;
}

Texts texts_of(const std::vector<ScoredPiece>& pieces) {
  using PieceKind = ScoredPiece::Kind;
  Texts texts;
  for (const ScoredPiece& piece : pieces) {
    const bool special =
        piece.kind == PieceKind::unknown || piece.kind == PieceKind::control || piece.kind == PieceKind::unused;
    texts.push_back(special ? TokenText{Kind::special, piece.text} : piece_text(piece.text, piece.kind == PieceKind::byte));
  }
  return texts;
}

// Matches tokens, of those that are left over, whose keys are equal and not empty.
class Matching {
 public:
  Matching(const Texts& there, const Texts& here)
      : there_(there), here_(here), ids_(there.size(), -1), taken_(here.size(), false) {
    for (size_t id = 0; id < there.size() && id < here.size(); ++id)
      if (there[id].kind == Kind::none && here[id].kind == Kind::none)
        match(static_cast<int64_t>(id), static_cast<int64_t>(id));
  }

  template <class Key> void by(Key&& key) {
    using Ids = std::vector<int64_t>;
    std::unordered_map<std::string, std::pair<Ids, Ids>> ids_of;
    for (size_t id = 0; id < there_.size(); ++id)
      if (ids_[id] < 0 && there_[id].kind != Kind::none) ids_of[key(there_[id])].first.push_back(static_cast<int64_t>(id));
    for (size_t id = 0; id < here_.size(); ++id)
      if (!taken_[id] && here_[id].kind != Kind::none) ids_of[key(here_[id])].second.push_back(static_cast<int64_t>(id));
    for (const auto& [text, both] : ids_of) {
      const auto& [theirs, ours] = both;
      if (theirs == ours)
        for (const int64_t id : theirs) match(id, id);
      else if (theirs.size() == 1 && ours.size() == 1)
        match(theirs.front(), ours.front());
    }
  }

  std::vector<int64_t> ids() && { return std::move(ids_); }

 private:
  void match(int64_t there, int64_t here) {
    ids_[static_cast<size_t>(there)] = here;
    taken_[static_cast<size_t>(here)] = true;
  }

  const Texts &there_, &here_;
  std::vector<int64_t> ids_;
  std::vector<bool> taken_;
};

}  // namespace

TokenText byte_level_text(const std::string& token) {
  const auto& bytes = bytes_of_characters();
  std::string text;
  for (size_t at = 0; at < token.size();) {
    const int32_t c = next_code_point(token, at);
    if (c < 0 || static_cast<size_t>(c) >= bytes.size() || bytes[static_cast<size_t>(c)] < 0) return {Kind::text, token};
    text += static_cast<char>(bytes[static_cast<size_t>(c)]);
  }
  return {Kind::text, text};
}

std::vector<TokenText> token_texts_of_json(const std::string& json) {
  const Json file = Json::parse(json);
  const Json& model = file.at("model");
  const Json& vocab = model.at("vocab");
  const std::string type = text_in(model, "type");
  const auto spelled = spelling_of(file, model, type.empty() && vocab.is_object() ? "BPE" : type);
  Texts texts;
  if (vocab.is_array()) {  // Unigram
    for (size_t id = 0; id < vocab.size(); ++id) put(texts, id, spelled(vocab[id].at(0).get<std::string>()));
    if (const auto unknown = model.find("unk_id"); unknown != model.end() && unknown->is_number_unsigned())
      if (const auto id = unknown->get<size_t>(); id < texts.size())
        texts[id] = {Kind::special, vocab[id].at(0).get<std::string>()};
  } else {
    for (const auto& [token, id] : vocab.items()) put(texts, id.get<size_t>(), spelled(token));
  }
  if (const auto added = file.find("added_tokens"); added != file.end())
    for (const Json& token : *added)
      put(texts, token.at("id").get<size_t>(),
          {token.value("special", false) ? Kind::special : Kind::text, token.at("content").get<std::string>()});
  return texts;
}

std::vector<TokenText> token_texts_of_pieces(std::string_view model) {
  return texts_of(read_piece_model(model).pieces);
}

std::vector<TokenText> token_texts_of_lines(const std::string& text) {
  Texts texts;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string token = text.substr(at, end - at);
    if (token.ends_with('\r')) token.pop_back();
    const bool special = token.size() > 2 && token.starts_with('[') && token.ends_with(']');
    put(texts, texts.size(), special ? TokenText{Kind::special, token} : word_text(token, "##"));
    at = end + 1;
  }
  return texts;
}

std::vector<TokenText> token_texts(Tokenizer& tokenizer) {
  if (auto* const json = extension_of<TokenizerJson>(tokenizer)) {
    std::string text;
    throw_if_failed(json->tokenizer_json(text));
    try {
      return token_texts_of_json(text);
    } catch (const std::exception&) {  // an export tells what is wrong with it
      return texts_by_decoding(tokenizer);
    }
  }
  if (auto* const scored = extension_of<ScoredPieces>(tokenizer)) {
    PieceModel model;
    throw_if_failed(scored->scored_pieces(model));
    return texts_of(model.pieces);
  }
  return texts_by_decoding(tokenizer);
}

std::vector<int64_t> matching_ids(const std::vector<TokenText>& there, const std::vector<TokenText>& here) {
  Matching matching(there, here);
  matching.by([](const TokenText& t) { return std::to_string(static_cast<int>(t.kind)) + t.bytes; });
  matching.by([](const TokenText& t) { return t.bytes; });
  matching.by([](const TokenText& t) { return t.bytes.substr(t.space_implied ? 1 : 0); });
  return std::move(matching).ids();
}

}  // namespace gptcore
