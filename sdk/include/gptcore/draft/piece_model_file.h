// Draft: reads a SentencePiece .model file, which is a protobuf message, sentencepiece_model.proto's ModelProto.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "gptcore/draft/scored_pieces.h"

namespace gptcore {
namespace piece_model_file {

// Reads the fields of a protobuf message, one after another.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  // Moves to the next field; returns false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    number_ = tag >> 3;
    switch (tag & 7) {
      case 0:
        value_ = varint();
        return true;
      case 1:
        bytes_ = take(8);
        return true;
      case 2:
        bytes_ = take(varint());
        return true;
      case 5:
        bytes_ = take(4);
        return true;
      default:
        fail();
    }
  }
  uint64_t number() const { return number_; }
  uint64_t value() const { return value_; }
  std::string_view bytes() const { return bytes_; }
  float real() const {
    static_assert(std::endian::native == std::endian::little, "scores are read as they lie in memory");
    float value = 0;
    if (bytes_.size() != sizeof value) fail();
    std::memcpy(&value, bytes_.data(), sizeof value);
    return value;
  }

  [[noreturn]] static void fail() { throw std::runtime_error("this is no SentencePiece model"); }

 private:
  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  std::string_view rest_, bytes_;
  uint64_t number_ = 0, value_ = 0;
};

inline ScoredPiece piece_of(std::string_view message) {
  using Kind = ScoredPiece::Kind;
  constexpr Kind kKinds[] = {Kind::normal,       Kind::normal, Kind::unknown, Kind::control,
                             Kind::user_defined, Kind::unused, Kind::byte};
  ScoredPiece piece;
  for (Fields f(message); f.next();) {
    if (f.number() == 1) piece.text = f.bytes();
    if (f.number() == 2) piece.score = f.real();
    if (f.number() == 3 && f.value() < std::size(kKinds)) piece.kind = kKinds[f.value()];
  }
  return piece;
}

}  // namespace piece_model_file

// Throws std::runtime_error when the message is invalid or has no pieces.
inline PieceModel read_piece_model(std::string_view model) {
  using piece_model_file::Fields;
  constexpr uint64_t kBpe = 2;
  PieceModel out;
  bool extra_blanks_go = true;
  std::string_view replacements;
  out.space_prefix = true;
  for (Fields f(model); f.next();) {
    if (f.number() == 1) out.pieces.push_back(piece_model_file::piece_of(f.bytes()));
    if (f.number() == 2)
      for (Fields trainer(f.bytes()); trainer.next();)
        if (trainer.number() == 3) out.merges = trainer.value() == kBpe;
    if (f.number() == 3)
      for (Fields normalizer(f.bytes()); normalizer.next();) {
        if (normalizer.number() == 2) replacements = normalizer.bytes();
        if (normalizer.number() == 3) out.space_prefix = normalizer.value() != 0;
        if (normalizer.number() == 4) extra_blanks_go = normalizer.value() != 0;
      }
  }
  if (out.pieces.empty()) Fields::fail();
  out.normalizes = extra_blanks_go || !replacements.empty();
  return out;
}

}  // namespace gptcore
