#include "tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "byte_text.h"
#include "gptcore/error.h"

namespace gptcore::bpe {
namespace {

using Json = nlohmann::json;  // an ordered one would look for each of 50,000 keys from the first

// Reads a part of the file that must be as byte-level BPE has it.
class Reader {
 public:
  explicit Reader(const std::string& where) : where_(where) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Code::data_corrupt, what + " is not supported: this reads byte-level BPE only",
                "where the file was made from a SentencePiece .model, the tokenizer \"sentencepiece\" reads that", where_);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Code::data_corrupt, "this is not a tokenizer.json: " + what, "get the file again", where_);
  }

  const Json& member(const Json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) fail(std::string("it has no \"") + key + "\"");
    return object.at(key);
  }
  std::string text(const Json& object, const char* key) const {
    const Json& value = member(object, key);
    if (!value.is_string()) fail(std::string("\"") + key + "\" is not a text");
    return value.get<std::string>();
  }
  // Returns false for absent, null, false, 0 and "", which say the same.
  static bool is_set(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && !found->is_null() && *found != false && *found != 0 && *found != "";
  }

  void check_model(const Json& model) const {
    if (!model.is_object()) fail("\"model\" is not an object");
    const std::string type = model.contains("type") ? text(model, "type") : "BPE";
    if (type != "BPE") refuse("a model of type \"" + type + "\"");
    for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
      if (is_set(model, key)) refuse(std::string("\"") + key + "\"");
  }

  void check_surroundings(const Json& file) const {
    if (is_set(file, "normalizer"))
      refuse("the normalizer \"" + (file["normalizer"].is_object() ? file["normalizer"].value("type", "?") : "?") + "\"");
    const std::string decoder = is_set(file, "decoder") ? text(file["decoder"], "type") : "null";
    if (decoder != "ByteLevel") refuse("the decoder \"" + decoder + "\"");
  }

  std::string pattern(const Json& file) const {
    const Json& first = member(file, "pre_tokenizer");
    if (first.is_null()) refuse("a pre_tokenizer of null");
    if (text(first, "type") == "ByteLevel") {
      check_byte_level(first);
      if (first.contains("use_regex") && first["use_regex"] == false) refuse("a ByteLevel pre_tokenizer without a pattern");
      return kGpt2Pattern;
    }
    if (text(first, "type") != "Sequence") refuse("the pre_tokenizer \"" + text(first, "type") + "\"");
    const Json& parts = member(first, "pretokenizers");
    const bool two = parts.is_array() && parts.size() == 2;
    if (!two || text(parts[0], "type") != "Split" || text(parts[1], "type") != "ByteLevel")
      refuse("a sequence of pre_tokenizers other than Split and ByteLevel");
    check_byte_level(parts[1]);
    if (!parts[1].contains("use_regex") || parts[1]["use_regex"] != false) refuse("a second pattern in ByteLevel");
    if (text(parts[0], "behavior") != "Isolated") refuse("a Split with behavior \"" + text(parts[0], "behavior") + "\"");
    if (is_set(parts[0], "invert")) refuse("an inverted Split");
    const Json& pattern = member(parts[0], "pattern");
    if (!pattern.is_object() || !pattern.contains("Regex")) refuse("a Split without a regular expression");
    return text(pattern, "Regex");
  }

 private:
  void check_byte_level(const Json& part) const {
    if (is_set(part, "add_prefix_space")) refuse("add_prefix_space");
  }

  const std::string& where_;
};

int64_t id_of(const Json& value, const std::string& token, const VocabularyBuilder& builder) {
  if (!value.is_number_integer()) builder.fail("the id of '" + token + "' is not an integer");
  return value.get<int64_t>();
}

void add_specials(const Json& added, const Reader& reader, VocabularyBuilder& builder) {
  for (const Json& token : added) {
    const std::string text = reader.text(token, "content");
    for (const char* key : {"lstrip", "rstrip", "single_word"})
      if (Reader::is_set(token, key)) reader.refuse("the added token '" + text + "' with \"" + key + "\"");
    builder.add_special(text, id_of(reader.member(token, "id"), text, builder), !Reader::is_set(token, "special"));
  }
}

void add_merges(const Json& merges, const std::string& where, VocabularyBuilder& builder) {
  if (!merges.is_array()) builder.fail("\"merges\" is not an array");
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string place = where + ", merge " + std::to_string(i);
    const Json& merge = merges[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      builder.add_merge(merge[0].get<std::string>(), merge[1].get<std::string>(), place);
      continue;
    }
    const std::string pair = merge.is_string() ? merge.get<std::string>() : "";
    const size_t space = pair.find(' ');
    if (space == std::string::npos || pair.find(' ', space + 1) != std::string::npos)
      builder.fail("merge " + std::to_string(i) + " is not a pair of tokens");
    builder.add_merge(pair.substr(0, space), pair.substr(space + 1), place);
  }
}

void add_tokens(const Json& vocab, const Json& added, VocabularyBuilder& builder) {
  // A special token may be listed here too, in characters that stand for no byte.
  std::unordered_map<std::string, Json> specials;
  for (const Json& token : added)
    if (token.is_object() && token.contains("content") && token["content"].is_string() && token.contains("id"))
      specials.emplace(token["content"].get<std::string>(), token["id"]);
  for (const auto& [token, id] : vocab.items())
    if (const auto special = specials.find(token); special == specials.end() || special->second != id)
      builder.add_token(token, id_of(id, token, builder));
}

Vocabulary parsed(const Json& file, const Reader& reader, const std::string& where) {
  const Json& model = reader.member(file, "model");
  reader.check_model(model);
  reader.check_surroundings(file);
  const std::string pattern = reader.pattern(file);
  const Json& vocab = reader.member(model, "vocab");
  if (!vocab.is_object()) reader.fail("\"vocab\" is not an object");
  const Json none = Json::array();
  const Json& added = Reader::is_set(file, "added_tokens") ? file["added_tokens"] : none;
  if (!added.is_array()) reader.fail("\"added_tokens\" is not an array");

  VocabularyBuilder builder(where, vocab.size() + added.size());
  add_tokens(vocab, added, builder);
  add_specials(added, reader, builder);
  add_merges(reader.member(model, "merges"), where, builder);
  Vocabulary made = builder.finish();
  made.pattern = pattern;
  made.whole_pieces = Reader::is_set(model, "ignore_merges");
  return made;
}

}  // namespace

Vocabulary parse_tokenizer_json(std::string_view text, const std::string& where) {
  const Reader reader(where);
  try {
    return parsed(Json::parse(text), reader, where);
  } catch (const Json::parse_error& e) {
    reader.fail("it is not JSON at byte " + std::to_string(e.byte));
  } catch (const Json::exception&) {
    reader.fail("a value of it is not of the type that Hugging Face's library writes");
  }
}

std::string format_tokenizer_json(const Vocabulary& vocabulary) {
  Json added = Json::array(), vocab = Json::object(), merges = Json::array();
  for (const SpecialToken& s : vocabulary.specials)
    added.push_back({{"id", s.id},
                     {"content", s.text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", !s.always}});
  std::vector<std::string> names;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    names.push_back(printable_of(vocabulary.tokens[id]));
    const bool is_special = std::any_of(vocabulary.specials.begin(), vocabulary.specials.end(),
                                        [&](const SpecialToken& s) { return static_cast<size_t>(s.id) == id; });
    if (!is_special) vocab[names.back()] = id;
  }
  for (const Merge& m : vocabulary.merges)
    merges.push_back(names[static_cast<size_t>(m.left)] + " " + names[static_cast<size_t>(m.right)]);
  const bool gpt2 = vocabulary.pattern == kGpt2Pattern;
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", gpt2}};
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", vocabulary.pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  return Json{{"version", "1.0"},
              {"truncation", nullptr},
              {"padding", nullptr},
              {"added_tokens", added},
              {"normalizer", nullptr},
              {"pre_tokenizer", gpt2 ? byte_level : Json{{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}}},
              {"post_processor", nullptr},
              {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
              {"model",
               {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"ignore_merges", vocabulary.whole_pieces},
                {"vocab", vocab},
                {"merges", merges}}}}
      .dump();
}

}  // namespace gptcore::bpe
