#include "core/interchange/hf_tokenizer.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/base/json_fault.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kEndOfText = "<|endoftext|>";

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

}  // namespace

void write_hf_tokenizer(FileSystem& files, const fs::path& folder, const TokenizerForm& form, int64_t block_size) {
  if (const Json json = generation_config(form.ids); !json.empty()) write(files, folder / "generation_config.json", json);
  if (form.json.empty()) return;
  write_file_atomically(files, folder / "tokenizer.json", form.json);
  write(files, folder / "tokenizer_config.json", tokenizer_config(form, block_size));
  if (!form.bpe || !form.bpe->pattern.empty() || (form.bpe->whole_pieces && !merges_make_all(*form.bpe))) return;
  const size_t size = form.bpe->tokens.size(), first = first_added(*form.bpe);
  if (ids_of(*form.bpe, 0, size).size() != size) return;  // two tokens look alike
  write_file_atomically(files, folder / "vocab.json", ids_of(*form.bpe, 0, first).dump());
  if (first < size) write_file_atomically(files, folder / "added_tokens.json", ids_of(*form.bpe, first, size).dump());
  write_file_atomically(files, folder / "merges.txt", merges_txt(*form.bpe));
}

std::vector<std::string> read_hf_tokens(FileSystem& files, const fs::path& folder) {
  constexpr uint64_t kMaxBytes = uint64_t{256} << 20;
  constexpr size_t kMaxTokens = size_t{1} << 24;
  std::vector<std::string> texts;
  const auto put = [&](size_t id, const std::string& text) {
    if (id >= kMaxTokens) throw std::runtime_error("the id " + std::to_string(id) + " is out of range");
    if (id >= texts.size()) texts.resize(id + 1);
    texts[id] = text;
  };
  fs::path path = folder / "tokenizer.json";
  try {
    if (files.kind(path) == FileKind::file) {
      const std::optional<BpeForm> form = parse_bpe_form(read_text(files, path, kMaxBytes));
      if (!form) throw Error(Code::checkpoint_mismatch, "its tokenizer.json is not byte-level BPE", "", path.string());
      for (const BpeForm::Token& token : form->tokens) texts.push_back(token.text);
      return texts;
    }
    if (files.kind(path = folder / "vocab.json") != FileKind::file)
      throw Error(Code::data_missing, "it has neither tokenizer.json nor vocab.json", "", folder.string());
    for (const char* name : {"vocab.json", "added_tokens.json"})
      if (files.kind(path = folder / name) == FileKind::file) {
        const auto ids = nlohmann::json::parse(read_text(files, path, kMaxBytes));
        for (const auto& [text, id] : ids.items()) put(id.get<size_t>(), text);
      }
    return texts;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Code::data_corrupt, "its " + path.filename().string() + " cannot be read: " + json_fault(e.what()), "",
                path.string());
  }
}

}  // namespace gptcore
