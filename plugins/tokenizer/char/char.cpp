// One token per character, as nanoGPT's shakespeare_char: ids are the corpus's code points in ascending order.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gptcore/plugin.h"
#include "gptcore/utf8.h"

namespace {

using gptcore::Code;
using gptcore::Error;

constexpr int32_t kCodePoints = 0x110000;

std::string shown(int32_t point) {
  char number[16];
  std::snprintf(number, sizeof number, "U+%04X", static_cast<unsigned>(point));
  std::string text;
  if (point >= ' ' && point != 0x7f) gptcore::append_utf8(point, text);
  return text.empty() ? number : "'" + text + "' (" + number + ")";
}

int32_t point_at(std::string_view text, size_t& at) {
  const int32_t point = gptcore::next_code_point(text, at);
  if (point >= 0) return point;
  char byte[8];
  std::snprintf(byte, sizeof byte, "0x%02x", static_cast<unsigned char>(text[at]));
  throw Error(Code::data_corrupt, "byte " + std::string(byte) + " at offset " + std::to_string(at) + " is not UTF-8",
              "convert the text to UTF-8; a run whose tokenizer is \"byte\" takes any bytes");
}

class Char final : public gptcore::Tokenizer {
 public:
  bool ready() const override { return !points_.empty(); }

  void learn(std::string_view corpus) override {
    std::vector<bool> seen(kCodePoints);
    for (size_t at = 0; at < corpus.size();) seen[static_cast<size_t>(point_at(corpus, at))] = true;
    std::vector<int32_t> points;
    for (int32_t p = 0; p < kCodePoints; ++p)
      if (seen[static_cast<size_t>(p)]) points.push_back(p);
    if (points.empty()) throw Error(Code::data_empty, "there is no character to learn from", "check the dataset's files");
    set(std::move(points));
  }

  std::string save() const override {
    std::vector<std::string> characters;
    for (const int32_t p : points_) gptcore::append_utf8(p, characters.emplace_back());
    return nlohmann::json{{"characters", characters}}.dump();
  }

  void load(std::string_view saved) override {
    try {
      const auto json = nlohmann::json::parse(saved);
      std::vector<int32_t> points;
      for (const auto& c : json.at("characters")) {
        const auto text = c.get<std::string>();
        size_t at = 0;
        points.push_back(text.empty() ? -1 : gptcore::next_code_point(text, at));
        if (points.back() < 0 || at != text.size()) throw std::runtime_error("an entry is not one character");
      }
      if (points.empty()) throw std::runtime_error("it is empty");
      if (std::adjacent_find(points.begin(), points.end(), std::greater_equal<>()) != points.end())
        throw std::runtime_error("its characters are not in ascending order");
      set(std::move(points));
    } catch (const nlohmann::json::exception&) {
      throw Error(Code::checkpoint_corrupt,
                  "the saved vocabulary of tokenizer 'char' cannot be used: it is not {\"characters\": [\"...\"]}");
    } catch (const std::exception& e) {
      throw Error(Code::checkpoint_corrupt,
                  std::string("the saved vocabulary of tokenizer 'char' cannot be used: ") + e.what());
    }
  }

  int64_t vocab_size() const override { return static_cast<int64_t>(points_.size()); }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    ids.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const size_t offset = at;
      const auto point = static_cast<size_t>(point_at(text, at));
      const int32_t id = point < ids_.size() ? ids_[point] : -1;
      if (id < 0)
        throw Error(Code::unknown_character,
                    "character " + shown(static_cast<int32_t>(point)) + " at byte offset " + std::to_string(offset) +
                        " is not among the " + std::to_string(points_.size()) + " of the text the tokenizer was learned from",
                    "leave it out; a run whose tokenizer is \"byte\" takes any text");
      ids.push_back(id);
    }
    return ids;
  }

  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    for (const int32_t id : ids) {
      if (id < 0 || id >= vocab_size())
        throw Error(Code::token_out_of_range,
                    "token " + std::to_string(id) + " is not below the vocabulary's size " + std::to_string(vocab_size()));
      gptcore::append_utf8(points_[static_cast<size_t>(id)], text);
    }
    return text;
  }

 private:
  // Precondition: `points` ascend and are not empty.
  void set(std::vector<int32_t> points) {
    points_ = std::move(points);
    ids_.assign(static_cast<size_t>(points_.back()) + 1, -1);
    for (size_t i = 0; i < points_.size(); ++i) ids_[static_cast<size_t>(points_[i])] = static_cast<int32_t>(i);
  }

  std::vector<int32_t> points_;  // by id
  std::vector<int32_t> ids_;     // by code point, -1 = none
};

void setup(gptcore::Registrar& r) {
  r.tokenizer<Char>("char", "one token a character; learned from the dataset");
}

}  // namespace

GPTCORE_PLUGIN("char", GPTCORE_VERSION, setup)
