#include "core/interchange/tokenizer_form.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/base/assert.h"
#include "core/base/json_fault.h"
#include "gptcore/draft/tokenizer_json.h"
#include "gptcore/error.h"
#include "gptcore/utf8.h"

namespace gptcore {
namespace {

using Json = nlohmann::json;

// GPT-2's pattern, as its tokenizer.json may write it, too.
constexpr const char* kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

void put(BpeForm& form, size_t id, std::string text, BpeForm::Kind kind) {
  if (id >= form.tokens.size()) form.tokens.resize(id + 1);
  form.tokens[id] = {std::move(text), kind};
}

// Returns whether a pre_tokenizer's part turns bytes into printable characters and does nothing else.
bool is_byte_level(const Json& part, bool use_regex) {
  return part.value("type", "") == "ByteLevel" && !part.value("add_prefix_space", true) &&
         part.value("use_regex", true) == use_regex;
}

// Returns the expression that splits a text, "" for GPT-2's; nothing when texts are split in another way.
std::optional<std::string> pattern_of(const Json& pre_tokenizer) {
  if (!pre_tokenizer.is_object()) return std::nullopt;
  if (is_byte_level(pre_tokenizer, /*use_regex=*/true)) return "";
  const Json parts = pre_tokenizer.value("pretokenizers", Json::array());
  if (parts.size() != 2 || parts[0].value("type", "") != "Split" || !is_byte_level(parts[1], /*use_regex=*/false))
    return std::nullopt;
  const Json& pattern = parts[0].at("pattern");
  if (!pattern.contains("Regex") || parts[0].value("invert", false) || parts[0].value("behavior", "") != "Isolated")
    return std::nullopt;
  const auto text = pattern.at("Regex").get<std::string>();
  return text == kGpt2Pattern ? "" : text;
}

std::optional<BpeForm> parsed(const Json& file) {
  const Json& model = file.at("model");
  const bool normalizes = file.contains("normalizer") && !file.at("normalizer").is_null();
  const std::optional<std::string> pattern = pattern_of(file.at("pre_tokenizer"));
  if (model.value("type", "") != "BPE" || model.value("byte_fallback", false) || normalizes || !pattern) return std::nullopt;
  BpeForm form;
  form.pattern = *pattern;
  for (const auto& [token, id] : model.at("vocab").items()) put(form, id.get<size_t>(), token, BpeForm::Kind::bytes);
  for (const Json& token : file.at("added_tokens"))
    put(form, token.at("id").get<size_t>(), token.at("content").get<std::string>(),
        token.at("special") == true ? BpeForm::Kind::special : BpeForm::Kind::added);
  for (const Json& merge : model.at("merges"))
    form.merges.push_back(merge.is_string() ? merge.get<std::string>()
                                            : merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>());
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

// Returns the first of the names that the tokenizer knows; "" when it knows none.
std::string first_of(const Tokenizer& tokenizer, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (tokenizer.special(name)) return name;
  return "";
}

}  // namespace

std::optional<BpeForm> parse_bpe_form(const std::string& json) {
  try {
    return parsed(Json::parse(json));
  } catch (const std::exception& e) {
    throw Error(Code::plugin_failed, "the tokenizer's tokenizer.json cannot be used: " + json_fault(e.what()),
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
  GPTCORE_ASSERT(tokenizer.ready(), "the tokenizer is ready");
  TokenizerForm form;
  form.size = tokenizer.vocab_size();
  form.bos = first_of(tokenizer, {"<|bos|>", "<|begin_of_text|>", "<s>", "<|endoftext|>"});
  form.eos = first_of(tokenizer, {"<|endoftext|>", "<|end_of_text|>", "</s>"});
  const std::string end_of_turn = first_of(tokenizer, {"<|assistant_end|>", "<|im_end|>", "<|eot_id|>"});
  const auto id_of = [&](const std::string& name) { return name.empty() ? std::nullopt : tokenizer.special(name); };
  form.ids = {id_of(form.bos), id_of(form.eos), id_of(end_of_turn)};
  if (auto* const json = extension_of<TokenizerJson>(tokenizer)) {
    throw_if_failed(json->tokenizer_json(form.json));
    form.bpe = parse_bpe_form(form.json);
  }
  if (auto* const scored = extension_of<ScoredPieces>(tokenizer)) throw_if_failed(scored->scored_pieces(form.pieces.emplace()));
  return form;
}

}  // namespace gptcore
