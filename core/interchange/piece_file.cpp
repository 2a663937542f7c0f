#include "core/interchange/piece_file.h"

#include <cstdint>
#include <iterator>
#include <stdexcept>

namespace gptcore {
namespace {

[[noreturn]] void fail() {
  throw std::runtime_error("this is no SentencePiece model");
}

// The fields of a protobuf message, one after another.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  // Moves to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    number = tag >> 3;
    switch (tag & 7) {
      case 0:
        value = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        bytes = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        fail();
    }
    return true;
  }

  uint64_t number = 0, value = 0;
  std::string_view bytes;

 private:
  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint64_t varint() {
    uint64_t all = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      all |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return all;
    }
    fail();
  }

  std::string_view rest_;
};

// sentencepiece_model.proto's ModelProto.SentencePiece.
ScoredPiece piece_of(std::string_view message) {
  using Kind = ScoredPiece::Kind;
  constexpr Kind kKinds[] = {Kind::normal,       Kind::normal, Kind::unknown, Kind::control,
                             Kind::user_defined, Kind::unused, Kind::byte};
  ScoredPiece piece;
  for (Fields f(message); f.next();) {
    if (f.number == 1) piece.text = f.bytes;
    if (f.number == 3 && f.value < std::size(kKinds)) piece.kind = kKinds[f.value];
  }
  return piece;
}

}  // namespace

std::vector<ScoredPiece> read_piece_file(std::string_view model) {
  std::vector<ScoredPiece> pieces;
  for (Fields f(model); f.next();)
    if (f.number == 1) pieces.push_back(piece_of(f.bytes));
  if (pieces.empty()) fail();
  return pieces;
}

}  // namespace gptcore
