// Describes a run's tokenizer as other tools' files do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/builtin/role_ids.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

// A byte-level BPE tokenizer.
struct BpeForm {
  enum class Kind { bytes, added, special };  // an added token stands for its text everywhere, a special one where allowed
  struct Token {
    std::string text;  // of `bytes`: one printable character per byte, as GPT-2's files write them
    Kind kind = Kind::bytes;
  };
  std::vector<Token> tokens;        // by id
  std::vector<std::string> merges;  // "left right"; an earlier one is applied first
  std::string pattern;              // the regular expression that splits a text; "" is GPT-2's
  bool whole_pieces = false;        // a piece that is a token becomes that token, whatever the merges say
};

// Returns nothing when the tokenizer.json is not of byte-level BPE. Throws Error(plugin_failed) when `json` is not a
// tokenizer.json.
std::optional<BpeForm> parse_bpe_form(const std::string& json);
// Returns whether the merges alone make every token, so that `whole_pieces` makes no difference.
bool merges_make_all(const BpeForm& form);

struct TokenizerForm {
  int64_t size = 0;  // tokens
  RoleIds ids;
  std::string bos, eos;              // the texts of these ids; "" when there is none
  std::string json;                  // tokenizer.json; "" when there is none
  std::optional<BpeForm> bpe;        // what `json` says, when that is byte-level BPE
  std::optional<PieceModel> pieces;  // SentencePiece's
};

// Throws the errors of the tokenizer, which must be ready.
TokenizerForm form_of(Tokenizer& tokenizer);

}  // namespace gptcore
