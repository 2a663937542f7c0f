#include "core/interchange/hf_tokenizer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr const char* kTokenizerJson = "tokenizer.json";

void write(FileSystem& files, const fs::path& path, const Json& json) {
  write_file_atomically(files, path, json.dump(2) + "\n");
}

Json generation_config(const RoleIds& ids) {
  Json json = Json::object();
  if (ids.bos) json["bos_token_id"] = *ids.bos;
  if (ids.eos && ids.end_of_turn)
    json["eos_token_id"] = {*ids.eos, *ids.end_of_turn};
  else if (ids.eos || ids.end_of_turn)
    json["eos_token_id"] = ids.eos ? *ids.eos : *ids.end_of_turn;
  return json;
}

Json tokenizer_config(const TokenizerForm& form, int64_t block_size) {
  Json json = {{"tokenizer_class", "PreTrainedTokenizerFast"},
               {"model_max_length", block_size},
               {"clean_up_tokenization_spaces", false}};
  if (!form.bos.empty()) json["bos_token"] = form.bos;
  if (!form.eos.empty()) json["eos_token"] = json["unk_token"] = form.eos;
  return json;
}

// Where the tokens begin that came after GPT-2's: added ones behind all others and <|endoftext|>.
size_t first_added(const BpeForm& form) {
  size_t first = form.tokens.size();
  while (first > 0 && form.tokens[first - 1].kind != BpeForm::Kind::bytes && form.tokens[first - 1].text != kEndOfText) --first;
  return first;
}

// Token -> id.
nlohmann::json ids_of(const BpeForm& form, size_t from, size_t to) {
  nlohmann::json ids = nlohmann::json::object();  // an ordered one would look for each key from the first
  for (size_t id = from; id < to; ++id) ids[form.tokens[id].text] = id;
  return ids;
}

std::string merges_txt(const BpeForm& form) {
  std::string text = "#version: 0.2\n";
  for (const std::string& merge : form.merges) text += merge + "\n";
  return text;
}

std::string read_tokens(FileSystem& files, const fs::path& path) {
  std::string text = read_text(files, path, uint64_t{256} << 20);
  refuse_lfs_pointer(text, Code::checkpoint_missing, path.string());
  return text;
}

// Of a file {"token": id}.
template <class Spelling> std::vector<TokenText> token_texts_of_ids(const std::string& text, Spelling&& spelling) {
  constexpr size_t kMaxTokens = size_t{1} << 24;
  const auto ids = nlohmann::json::parse(text).get<std::map<std::string, size_t>>();
  std::vector<TokenText> texts;
  for (const auto& [token, id] : ids) {
    if (id >= kMaxTokens) throw std::runtime_error("the id " + std::to_string(id) + " is out of range");
    if (id >= texts.size()) texts.resize(id + 1);
    texts[id] = spelling(token);
  }
  return texts;
}

}  // namespace

void write_hf_tokenizer(FileSystem& files, const fs::path& folder, const TokenizerForm& form, int64_t block_size) {
  if (const Json json = generation_config(form.ids); !json.empty()) write(files, folder / "generation_config.json", json);
  if (form.json.empty()) return;
  write_file_atomically(files, folder / kTokenizerJson, form.json);
  write(files, folder / "tokenizer_config.json", tokenizer_config(form, block_size));
  if (!form.bpe || !form.bpe->pattern.empty() || (form.bpe->whole_pieces && !merges_make_all(*form.bpe))) return;
  const size_t size = form.bpe->tokens.size(), first = first_added(*form.bpe);
  if (ids_of(*form.bpe, 0, size).size() != size) return;  // two tokens look alike
  write_file_atomically(files, folder / "vocab.json", ids_of(*form.bpe, 0, first).dump());
  if (first < size) write_file_atomically(files, folder / "added_tokens.json", ids_of(*form.bpe, first, size).dump());
  write_file_atomically(files, folder / "merges.txt", merges_txt(*form.bpe));
}

fs::path hf_tokens_file(FileSystem& files, const fs::path& folder) {
  for (const char* name : {kTokenizerJson, "vocab.json", "encoder.json", "tokenizer.model", "spiece.model", "vocab.txt"})
    if (files.kind(folder / name) == FileKind::file) return folder / name;
  return {};
}

std::vector<TokenText> read_hf_tokens(FileSystem& files, const fs::path& file) {
  const std::string name = file.filename().string(), extension = file.extension().string();
  fs::path path = file;
  try {
    const std::string text = read_tokens(files, path);
    std::vector<TokenText> texts = name == kTokenizerJson  ? token_texts_of_json(text)
                                   : extension == ".model" ? token_texts_of_pieces(text)
                                   : extension == ".txt"   ? token_texts_of_lines(text)
                                                           : token_texts_of_ids(text, byte_level_text);
    if (texts.empty()) throw std::runtime_error("it lists none");
    if (name == kTokenizerJson) return texts;
    path = file.parent_path() / "added_tokens.json";
    if (files.kind(path) != FileKind::file) return texts;
    const auto added = token_texts_of_ids(read_tokens(files, path), [](const std::string& token) {
      return TokenText{TokenText::Kind::special, token};
    });
    texts.resize(std::max(texts.size(), added.size()));
    for (size_t id = 0; id < added.size(); ++id)
      if (added[id].kind != TokenText::Kind::none) texts[id] = added[id];
    return texts;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Code::checkpoint_mismatch, "the tokens of the source's rows cannot be told: " + json_fault(e.what()),
                "get the file again; without it the rows are taken by number", path.string());
  }
}

}  // namespace gptcore
