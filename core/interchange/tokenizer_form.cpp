#include "core/interchange/tokenizer_form.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/error.h"
#include "gptcore/utf8.h"

namespace gptcore {
namespace {

using Json = nlohmann::json;

// As GPT-2's tokenizer.json may write it, too.
constexpr const char* kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

void put(BpeForm& form, size_t id, std::string text, BpeForm::Kind kind) {
  if (id >= form.tokens.size()) form.tokens.resize(id + 1);
  form.tokens[id] = {std::move(text), kind};
}

std::string pattern_of(const Json& pre_tokenizer) {
  if (pre_tokenizer.at("type") == "ByteLevel") return "";
  const auto pattern = pre_tokenizer.at("pretokenizers").at(0).at("pattern").at("Regex").get<std::string>();
  return pattern == kGpt2Pattern ? "" : pattern;
}

BpeForm parsed(const Json& file) {
  BpeForm form;
  const Json& model = file.at("model");
  if (model.at("type") != "BPE") throw std::runtime_error("its model is not BPE");
  for (const auto& [token, id] : model.at("vocab").items()) put(form, id.get<size_t>(), token, BpeForm::Kind::bytes);
  for (const Json& token : file.at("added_tokens"))
    put(form, token.at("id").get<size_t>(), token.at("content").get<std::string>(),
        token.at("special") == true ? BpeForm::Kind::special : BpeForm::Kind::added);
  for (const Json& merge : model.at("merges"))
    form.merges.push_back(merge.is_string() ? merge.get<std::string>()
                                            : merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>());
  form.pattern = pattern_of(file.at("pre_tokenizer"));
  form.whole_pieces = model.value("ignore_merges", false);
  return form;
}

std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> all;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    if (next_code_point(text, at) < 0) ++at;
    all.push_back(text.substr(begin, at - begin));
  }
  return all;
}

// The first of the names that the tokenizer knows.
std::optional<int32_t> first_of(const Tokenizer& tokenizer, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto id = tokenizer.special(name)) return id;
  return std::nullopt;
}

}  // namespace

BpeForm parse_bpe_form(const std::string& json) {
  try {
    return parsed(Json::parse(json));
  } catch (const std::exception& e) {
    throw Error(Code::plugin_failed, std::string("the tokenizer's tokenizer.json is not byte-level BPE's: ") + e.what(),
                "this is a fault of the tokenizer's plugin");
  }
}

bool merges_make_all(const BpeForm& form) {
  std::unordered_map<std::string, size_t> ranks;
  for (size_t i = 0; i < form.merges.size(); ++i) ranks.emplace(form.merges[i], i);
  const auto is_made = [&](const std::string& token) {
    std::vector<std::string> parts = characters_of(token);
    while (parts.size() > 1) {
      size_t best = ranks.size(), at = 0;
      for (size_t i = 0; i + 1 < parts.size(); ++i)
        if (const auto found = ranks.find(parts[i] + " " + parts[i + 1]); found != ranks.end() && found->second < best) {
          best = found->second;
          at = i;
        }
      if (best == ranks.size()) return false;
      parts[at] += parts[at + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    return true;
  };
  return std::all_of(form.tokens.begin(), form.tokens.end(),
                     [&](const BpeForm::Token& token) { return token.kind != BpeForm::Kind::bytes || is_made(token.text); });
}

TokenizerForm form_of(Tokenizer& tokenizer) {
  TokenizerForm form;
  form.size = tokenizer.vocab_size();
  form.ids.bos = first_of(tokenizer, {"<|bos|>", "<|begin_of_text|>", "<s>", "<|endoftext|>"});
  form.ids.eos = first_of(tokenizer, {"<|endoftext|>", "<|end_of_text|>", "</s>"});
  form.ids.end_of_turn = first_of(tokenizer, {"<|assistant_end|>", "<|im_end|>", "<|eot_id|>"});
  if (auto* const json = static_cast<TokenizerJson*>(tokenizer.extension("gptcore.tokenizer_json/1"))) {
    throw_if_failed(json->tokenizer_json(form.json));
    form.bpe = parse_bpe_form(form.json);
  }
  if (auto* const scored = static_cast<ScoredPieces*>(tokenizer.extension("gptcore.scored_pieces/1")))
    throw_if_failed(scored->scored_pieces(form.pieces.emplace()));
  return form;
}

}  // namespace gptcore
