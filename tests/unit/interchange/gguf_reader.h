// Reads a GGUF file by its specification alone.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace gptcore {

struct ReadGguf {
  struct Place {
    std::vector<uint64_t> shape;
    uint64_t type = 0, offset = 0;
  };
  std::map<std::string, uint64_t> numbers;  // u32, and the bits of f32
  std::map<std::string, bool> flags;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<std::string>> text_lists;
  std::map<std::string, std::vector<int32_t>> number_lists;
  std::map<std::string, std::vector<float>> real_lists;
  std::map<std::string, Place> tensors;
  size_t data = 0;  // where the tensors' offsets count from
};

class GgufReader {
 public:
  explicit GgufReader(const std::string& bytes) : bytes_(bytes) {
    if (!bytes.starts_with("GGUF")) throw std::runtime_error("no GGUF");
    at_ = 4;
    if (number<uint32_t>() != 3) throw std::runtime_error("not version 3");
    const auto tensors = number<uint64_t>(), entries = number<uint64_t>();
    for (uint64_t i = 0; i < entries; ++i) entry();
    for (uint64_t i = 0; i < tensors; ++i) {
      ReadGguf::Place& place = made.tensors[text()];
      for (auto n = number<uint32_t>(); n > 0; --n) place.shape.push_back(number<uint64_t>());
      place.type = number<uint32_t>();
      place.offset = number<uint64_t>();
    }
    made.data = (at_ + 31) / 32 * 32;
  }

  ReadGguf made;

 private:
  template <class T> T number() {
    T value;
    if (at_ + sizeof value > bytes_.size()) throw std::runtime_error("the file ends");
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text() {
    const auto size = number<uint64_t>();
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  void entry() {
    const std::string key = text();
    switch (const auto type = number<uint32_t>()) {
      case 4:
      case 6:
        made.numbers[key] = number<uint32_t>();
        return;
      case 7:
        made.flags[key] = number<uint8_t>() != 0;
        return;
      case 8:
        made.texts[key] = text();
        return;
      case 9:
        return array(key);
      default:
        throw std::runtime_error(key + " is of type " + std::to_string(type));
    }
  }
  void array(const std::string& key) {
    const auto type = number<uint32_t>();
    const auto size = number<uint64_t>();
    if (type == 8) made.text_lists[key];
    for (uint64_t i = 0; i < size; ++i) {
      if (type == 5)
        made.number_lists[key].push_back(number<int32_t>());
      else if (type == 6)
        made.real_lists[key].push_back(number<float>());
      else if (type == 8)
        made.text_lists[key].push_back(text());
      else
        throw std::runtime_error(key + " is an array of type " + std::to_string(type));
    }
  }

  const std::string& bytes_;
  size_t at_ = 0;
};

inline ReadGguf read_gguf(const std::string& bytes) {
  return GgufReader(bytes).made;
}

}  // namespace gptcore
