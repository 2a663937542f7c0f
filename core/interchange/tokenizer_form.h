// A run's tokenizer as other tools' files tell of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/interchange/role_ids.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/tokenizer.h"

namespace gptcore {

// Byte-level BPE.
struct BpeForm {
  enum class Kind { bytes, added, special };  // an added token stands for its text in every text, a special one where it may
  struct Token {
    std::string text;  // of `bytes`: one printable character a byte, as GPT-2's files write them
    Kind kind = Kind::bytes;
  };
  std::vector<Token> tokens;        // by id
  std::vector<std::string> merges;  // "left right"; an earlier one is applied first
  std::string pattern;              // the regular expression that cuts a text; "" is GPT-2's
  bool whole_pieces = false;        // a piece that is a token becomes that token, whatever the merges say
};

// Nothing where the tokenizer.json is not byte-level BPE's. Throws Error(plugin_failed) when `json` is no tokenizer.json.
std::optional<BpeForm> parse_bpe_form(const std::string& json);
// Whether the merges alone make every token, so that `whole_pieces` makes no difference.
bool merges_make_all(const BpeForm& form);

struct TokenizerForm {
  int64_t size = 0;  // tokens
  RoleIds ids;
  std::string bos, eos;              // the texts of these ids; "" where there is none
  std::string json;                  // tokenizer.json; "" where there is none
  std::optional<BpeForm> bpe;        // what `json` says, where that is byte-level BPE
  std::optional<PieceModel> pieces;  // SentencePiece's
};

// Throws what the tokenizer throws. The tokenizer is ready.
TokenizerForm form_of(Tokenizer& tokenizer);

}  // namespace gptcore
