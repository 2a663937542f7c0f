#include "core/pipeline/shown_tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "gptcore/error.h"

namespace gptcore {
namespace {

[[noreturn]] void refuse_vocabulary(const std::string& why, const std::string& where) {
  throw Error(Code::checkpoint_corrupt, std::string(kVocabularyFile) + " cannot be used: " + why, "use another copy of it",
              where);
}

}  // namespace

// Shows the numbers that a checkpoint stores.
class ShownTokenizer::Stored final : public ShownVocabulary {
 public:
  Stored(StoredVocabulary vocabulary, int64_t whole_size, const std::string& where)
      : stored_(std::move(vocabulary)), whole_(whole_size) {
    const int32_t largest = *std::max_element(stored_.ids.begin(), stored_.ids.end());
    if (largest >= whole_)
      throw Error(Code::conflict,
                  std::string("the model's ") + kVocabularyFile + " names the token " + std::to_string(largest) +
                      ", and the tokenizer has " + std::to_string(whole_) + " tokens",
                  "name the tokenizer that the model was trained with", where);
  }
  std::span<const int32_t> shown_ids() const noexcept override { return stored_.ids; }
  int32_t rare_number() const noexcept override { return stored_.rare_number; }
  int64_t whole_size() const noexcept override { return whole_; }

 private:
  StoredVocabulary stored_;
  int64_t whole_;
};

ShownVocabulary* shown_vocabulary(Dataset* dataset) {
  return dataset ? extension_of<ShownVocabulary>(*dataset) : nullptr;
}

std::string format_vocabulary(const ShownVocabulary& shown) {
  const std::span<const int32_t> ids = shown.shown_ids();
  return nlohmann::json{{"rare_number", shown.rare_number()}, {"ids", std::vector<int32_t>(ids.begin(), ids.end())}}.dump();
}

StoredVocabulary parse_vocabulary(const std::string& text, const std::string& where) {
  StoredVocabulary out;
  try {
    const auto json = nlohmann::json::parse(text);
    out.ids = json.at("ids").get<std::vector<int32_t>>();
    out.rare_number = json.at("rare_number").get<int32_t>();
  } catch (const nlohmann::json::exception&) {
    refuse_vocabulary("it is not {\"rare_number\": NUMBER, \"ids\": [NUMBERS]}", where);
  }
  if (out.rare_number < 0 || static_cast<size_t>(out.rare_number) >= out.ids.size())
    refuse_vocabulary("its rare_number is not one of its numbers", where);
  const std::set<int32_t> all(out.ids.begin(), out.ids.end());
  if (all.size() != out.ids.size() || *all.begin() < 0) refuse_vocabulary("its ids are not those of different tokens", where);
  return out;
}

ShownTokenizer::ShownTokenizer(std::unique_ptr<Tokenizer> inner, const ShownVocabulary& shown)
    : inner_(std::move(inner)), shown_(shown) {}

ShownTokenizer::ShownTokenizer(std::unique_ptr<Tokenizer> inner, StoredVocabulary vocabulary, const std::string& where)
    : inner_(std::move(inner)),
      stored_(std::make_unique<Stored>(std::move(vocabulary), inner_->vocab_size(), where)),
      shown_(*stored_) {}

ShownTokenizer::~ShownTokenizer() = default;

int64_t ShownTokenizer::vocab_size() const {
  const auto shown = static_cast<int64_t>(shown_.shown_ids().size());
  return shown > 0 ? shown : inner_->vocab_size();
}

int32_t ShownTokenizer::number_of(int32_t id) const {
  const std::span<const int32_t> ids = shown_.shown_ids();
  // Most tokens keep their number.
  if (id >= 0 && static_cast<size_t>(id) < ids.size() && ids[static_cast<size_t>(id)] == id) return id;
  const auto found = std::find(ids.begin(), ids.end(), id);
  return found == ids.end() ? shown_.rare_number() : static_cast<int32_t>(found - ids.begin());
}

std::vector<int32_t> ShownTokenizer::encode(std::string_view text) const {
  std::vector<int32_t> ids = inner_->encode(text);
  if (!shown_.shown_ids().empty())
    for (int32_t& id : ids) id = number_of(id);
  return ids;
}

std::string ShownTokenizer::decode(std::span<const int32_t> ids) const {
  const std::span<const int32_t> shown = shown_.shown_ids();
  if (shown.empty()) return inner_->decode(ids);
  std::vector<int32_t> own;
  own.reserve(ids.size());
  for (const int32_t number : ids) {
    if (number < 0 || static_cast<size_t>(number) >= shown.size())
      throw Error(Code::token_out_of_range, "token " + std::to_string(number) + " is not below the shown vocabulary's size " +
                                                std::to_string(shown.size()));
    own.push_back(shown[static_cast<size_t>(number)]);
  }
  return inner_->decode(own);
}

std::optional<int32_t> ShownTokenizer::special(std::string_view name) const {
  const std::optional<int32_t> id = inner_->special(name);
  const std::span<const int32_t> ids = shown_.shown_ids();
  if (!id || ids.empty()) return id;
  if (std::find(ids.begin(), ids.end(), *id) == ids.end()) return std::nullopt;
  return number_of(*id);
}

void* ShownTokenizer::extension(std::string_view id) {
  return shown_.shown_ids().empty() ? inner_->extension(id) : nullptr;
}

}  // namespace gptcore
