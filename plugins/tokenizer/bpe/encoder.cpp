#include "encoder.h"

#include <algorithm>
#include <bit>

#include "gptcore/error.h"
#include "gptcore/utf8.h"

namespace gptcore::bpe {
namespace {

bool eight_ascii(const char* bytes) {
  return (detail::load64(bytes) & 0x8080808080808080) == 0;
}

// Returns the place of the first byte from `at` on that is not UTF-8, or the end.
size_t valid_end(std::string_view text, size_t at = 0) {
  while (at < text.size()) {
    if (text.size() - at >= 8 && eight_ascii(text.data() + at))
      at += 8;
    else if (next_code_point(text, at) < 0)
      break;
  }
  return at;
}

// Returns the place after a run of bytes that are not UTF-8.
size_t invalid_end(std::string_view text, size_t at) {
  size_t behind = at + 1;
  for (size_t next = behind; behind < text.size() && next_code_point(text, next) < 0; next = behind) ++behind;
  return behind;
}

bool is_blank(const std::string& token) {
  return token.find_first_not_of(" \n\t") == std::string::npos;
}

}  // namespace

// Remembers the ids of pieces seen before in the same text, except single tokens. An entry is a place in the text and a place
// in the ids, so remembering costs nothing but the entry.
class Encoder::Pieces {
 public:
  explicit Pieces(size_t text_size) : entries_(text_size < kSmallText ? 0 : std::bit_ceil(std::min(text_size / 64, kMost))) {}

  // Appends the piece's ids and returns true when they are known.
  bool repeat(std::string_view piece, uint64_t hash, std::vector<int32_t>& out) const {
    if (entries_.empty()) return false;
    const Entry& known = entries_[slot(hash)];
    if (known.piece != piece) return false;
    for (size_t i = 0; i < known.count; ++i) out.push_back(out[known.begin + i]);
    return true;
  }
  void remember(std::string_view piece, uint64_t hash, size_t begin, size_t count) {
    if (!entries_.empty()) entries_[slot(hash)] = {piece, begin, count};
  }

 private:
  static constexpr size_t kSmallText = 2048, kMost = 8192;
  struct Entry {
    std::string_view piece;
    size_t begin = 0, count = 0;
  };
  size_t slot(uint64_t hash) const { return (hash >> 32) & (entries_.size() - 1); }

  std::vector<Entry> entries_;
};

Encoder::Encoder(Vocabulary vocabulary)
    : vocabulary_(std::move(vocabulary)),
      splitter_(vocabulary_.pattern),
      merges_(vocabulary_.merges),
      pieces_(vocabulary_.tokens.size()) {
  std::vector<char> is_special(vocabulary_.tokens.size());
  for (const SpecialToken& s : vocabulary_.specials) is_special[static_cast<size_t>(s.id)] = 1;
  for (size_t id = 0; id < vocabulary_.tokens.size(); ++id)
    if (const std::string& bytes = vocabulary_.tokens[id]; bytes.size() == 1 && !is_special[id])
      byte_tokens_[static_cast<unsigned char>(bytes[0])] = static_cast<int32_t>(id);

  std::vector<int32_t> merged;
  for (size_t i = 0; i < vocabulary_.tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (is_special[i]) continue;
    merged.clear();
    if (!vocabulary_.whole_pieces) merge_piece(vocabulary_.tokens[i], byte_tokens_, merges_, merged);
    if (vocabulary_.whole_pieces || merged == std::vector{id}) pieces_.add(vocabulary_.tokens[i], id);
  }
}

void Encoder::encode_piece(std::string_view piece, std::vector<int32_t>& out) const {
  const int32_t id = pieces_.find(piece, hash_of(piece));
  if (id >= 0)
    out.push_back(id);
  else
    merge_piece(piece, byte_tokens_, merges_, out);
}

size_t Encoder::encode_utf8(std::string_view text, std::vector<int32_t>& out) const {
  Splitter::Cut cut(splitter_, text);
  Pieces seen(text.size());
  size_t begin = out.size();
  for (std::string_view piece = cut.next(); !piece.empty(); piece = cut.next()) {
    begin = out.size();
    const uint64_t hash = hash_of(piece);
    if (const int32_t id = pieces_.find(piece, hash); id >= 0) {
      out.push_back(id);
    } else if (!seen.repeat(piece, hash, out)) {
      merge_piece(piece, byte_tokens_, merges_, out);
      seen.remember(piece, hash, begin, out.size() - begin);
    }
  }
  return out.size() - begin;
}

// Encodes as tiktoken's _encode_bytes: blanks before the last piece belong to it when it begins with a blank token.
void Encoder::encode_as_tiktoken(std::string_view text, size_t valid, std::vector<int32_t>& out) const {
  const size_t first = out.size();
  const size_t last_piece = encode_utf8(text.substr(0, valid), out);
  size_t keep = out.size() - last_piece;
  const auto blank = [&](size_t i) { return is_blank(vocabulary_.tokens[static_cast<size_t>(out[i])]); };
  if (last_piece > 0 && blank(keep))
    while (keep > first && blank(keep - 1)) --keep;
  size_t begin = valid;
  for (size_t i = keep; i < out.size(); ++i) begin -= vocabulary_.tokens[static_cast<size_t>(out[i])].size();
  out.resize(keep);
  encode_piece(text.substr(begin), out);
}

void Encoder::encode(std::string_view text, InvalidUtf8 rule, std::vector<int32_t>& out) const {
  size_t at = 0;
  for (size_t end = valid_end(text); end < text.size(); end = valid_end(text, at)) {
    if (rule == InvalidUtf8::tiktoken) return encode_as_tiktoken(text, end, out);
    encode_utf8(text.substr(at, end - at), out);
    at = invalid_end(text, end);
    encode_piece(text.substr(end, at - end), out);
  }
  encode_utf8(text.substr(at), out);
}

std::string Encoder::decode(std::span<const int32_t> ids) const {
  size_t size = 0;
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= vocabulary_.tokens.size())
      throw Error(Code::token_out_of_range, "token " + std::to_string(id) + " is not below the vocabulary's size " +
                                                std::to_string(vocabulary_.tokens.size()));
    size += vocabulary_.tokens[static_cast<size_t>(id)].size();
  }
  std::string text;
  text.reserve(size);
  for (const int32_t id : ids) text += vocabulary_.tokens[static_cast<size_t>(id)];
  return text;
}

}  // namespace gptcore::bpe
