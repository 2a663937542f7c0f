#include "core/interchange/gguf_tokenizer.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace gptcore {
namespace {

// ggml's numbers of token types.
enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

// A pattern that llama.cpp knows by name. The name also decides there whether a piece that is a token is taken whole.
struct Pre {
  std::string_view pattern, name;
  bool whole_pieces;
};

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4 =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr Pre kPres[] = {{"", "gpt-2", false},       {kLlama3, "llama-bpe", true}, {kLlama3, "smaug-bpe", false},
                         {kGpt4, "llama-bpe", true}, {kGpt4, "smaug-bpe", false},  {kQwen2, "qwen2", false}};

std::optional<std::string> pre_of(const BpeForm& form, std::string& why_not) {
  bool known = false;
  for (const Pre& pre : kPres)
    if (pre.pattern == form.pattern) {
      known = true;
      if (pre.whole_pieces == form.whole_pieces) return std::string(pre.name);
    }
  for (const Pre& pre : kPres)
    if (pre.pattern == form.pattern && merges_make_all(form)) return std::string(pre.name);
  why_not = known ? "the tokenizer has tokens that its merges do not make, and llama.cpp would not find them"
                  : "llama.cpp has no name for the pattern by which the tokenizer cuts a text";
  return std::nullopt;
}

GgufTokenizer none(const std::string& why) {
  GgufTokenizer out;
  out.note = "model.gguf has no tokenizer, so llama.cpp takes ids only: " + why;
  return out;
}

// llama.cpp finds tokens by their texts, so no two tokens may share one.
bool all_differ(const std::vector<std::string>& texts) {
  std::unordered_set<std::string_view> seen;
  return std::all_of(texts.begin(), texts.end(), [&](const std::string& text) { return seen.insert(text).second; });
}

void put_ids(GgufTokenizer& out, const RoleIds& ids) {
  const auto put = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) out.ids.emplace_back(key, static_cast<uint32_t>(*id));
  };
  put("bos_token_id", ids.bos);
  put("eos_token_id", ids.eos);
  put("eot_token_id", ids.end_of_turn);
  out.flags = {{"add_bos_token", false}, {"add_eos_token", false}};
}

// Without a key, llama.cpp takes an id of its own for the end of a text; so it gets the byte 0xff ("ÿ"), which is in no UTF-8
// text.
RoleIds ids_of(const TokenizerForm& form) {
  RoleIds ids = form.ids;
  const std::vector<BpeForm::Token>& tokens = form.bpe->tokens;
  const auto never = std::find_if(tokens.begin(), tokens.end(), [](const BpeForm::Token& token) {
    return token.kind == BpeForm::Kind::bytes && token.text == "\u00ff";
  });
  if (never == tokens.end()) return ids;
  const auto id = static_cast<int32_t>(never - tokens.begin());
  if (!ids.eos) ids.eos = id;
  if (!ids.bos) ids.bos = ids.eos;
  return ids;
}

GgufTokenizer of_bpe(const TokenizerForm& form) {
  std::string why_not;
  const std::optional<std::string> pre = pre_of(*form.bpe, why_not);
  if (!pre) return none(why_not);
  GgufTokenizer out;
  out.model = "gpt2";
  out.pre = *pre;
  for (const BpeForm::Token& token : form.bpe->tokens) {
    out.tokens.push_back(token.text);
    out.types.push_back(token.kind == BpeForm::Kind::bytes   ? kNormal
                        : token.kind == BpeForm::Kind::added ? kUserDefined
                                                             : kControl);
  }
  out.merges = form.bpe->merges;
  if (!all_differ(out.tokens)) return none("two of the tokenizer's tokens look alike");
  put_ids(out, ids_of(form));
  if (form.ids.eos) out.ids.emplace_back("unknown_token_id", static_cast<uint32_t>(*form.ids.eos));
  return out;
}

int32_t type_of(ScoredPiece::Kind kind) {
  switch (kind) {
    case ScoredPiece::Kind::normal:
      return kNormal;
    case ScoredPiece::Kind::unknown:
      return kUnknown;
    case ScoredPiece::Kind::control:
      return kControl;
    case ScoredPiece::Kind::user_defined:
      return kUserDefined;
    case ScoredPiece::Kind::unused:
      return kUnused;
    case ScoredPiece::Kind::byte:
      return kByte;
  }
  return kNormal;
}

// llama.cpp stops at a character that it has neither a piece nor bytes for, such as a line end.
bool has_every_byte(const PieceModel& model) {
  return std::count_if(model.pieces.begin(), model.pieces.end(),
                       [](const ScoredPiece& piece) { return piece.kind == ScoredPiece::Kind::byte; }) == 256;
}

GgufTokenizer of_pieces(const TokenizerForm& form) {
  if (!form.pieces->merges) return none("the SentencePiece model is not of the type BPE");
  if (!has_every_byte(*form.pieces)) return none("the SentencePiece model has no byte_fallback");
  GgufTokenizer out;
  out.model = "llama";
  RoleIds ids = form.ids;
  std::optional<int32_t> unknown;
  for (const ScoredPiece& piece : form.pieces->pieces) {
    if (piece.kind == ScoredPiece::Kind::unknown) unknown = static_cast<int32_t>(out.tokens.size());
    out.tokens.push_back(piece.text);
    out.types.push_back(type_of(piece.kind));
    out.scores.push_back(piece.score);
  }
  if (!all_differ(out.tokens)) return none("two of the tokenizer's tokens look alike");
  // Without a key, llama.cpp takes the ids 1 and 2.
  if (!ids.eos) ids.eos = unknown;
  if (!ids.bos) ids.bos = ids.eos;
  put_ids(out, ids);
  if (unknown) out.ids.emplace_back("unknown_token_id", static_cast<uint32_t>(*unknown));
  out.flags.emplace_back("add_space_prefix", form.pieces->space_prefix);
  if (form.pieces->normalizes)
    out.note = "the tokenizer normalizes a text before it cuts it, which llama.cpp does not: give it normalized ones";
  return out;
}

}  // namespace

GgufTokenizer gguf_tokenizer(const TokenizerForm& form, int64_t vocab_size) {
  GgufTokenizer out = form.bpe      ? of_bpe(form)
                      : form.pieces ? of_pieces(form)
                                    : none("the tokenizer is of a kind that llama.cpp does not have");
  const auto size = static_cast<int64_t>(out.tokens.size());
  if (size == 0 || size == vocab_size) return out;
  return none("the tokenizer has " + std::to_string(size) + " tokens, the model " + std::to_string(vocab_size));
}

}  // namespace gptcore
