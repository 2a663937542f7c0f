#include "gpt2_files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"

namespace {

using gptcore::Code;
using gptcore::Error;
using gptcore::bpe::VocabularyBuilder;

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr const char* kAgain = "get the file again";

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

nlohmann::json parsed(const std::string& path) {
  try {
    auto json = nlohmann::json::parse(read_file(path));
    if (json.is_object() && !json.empty()) return json;
  } catch (const nlohmann::json::parse_error& e) {
    throw Error(Code::data_corrupt,
                "this is not a valid " + name_of(path) + ": it is not JSON at byte " + std::to_string(e.byte), kAgain, path);
  }
  throw Error(Code::data_corrupt, "this is not a valid " + name_of(path) + ": it expects {\"token\": id, ...}", kAgain, path);
}

void add_merges(const std::string& path, VocabularyBuilder& builder) {
  const std::string text = read_file(path);
  const auto fail = [&](size_t line, const std::string& what) {
    throw Error(Code::data_corrupt, what, kAgain, path + ":" + std::to_string(line));
  };
  size_t line = 0, merges = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) fail(line + 1, "the line has no end: the file is truncated");
    std::string pair = text.substr(at, end - at);
    if (pair.ends_with('\r')) pair.pop_back();
    at = end + 1;
    ++line;
    if (pair.starts_with("#version") && line == 1) continue;
    const size_t space = pair.find(' ');
    if (space == std::string::npos || pair.find(' ', space + 1) != std::string::npos)
      fail(line, "this is not a pair of tokens: '" + pair.substr(0, 40) + "'");
    builder.add_merge(pair.substr(0, space), pair.substr(space + 1), path + ":" + std::to_string(line));
    ++merges;
  }
  if (merges == 0)
    throw Error(Code::data_corrupt, "this is not a valid " + name_of(path) + ": there is no merge in it", kAgain, path);
}

int64_t id_of(const nlohmann::json& id, const std::string& token, const VocabularyBuilder& builder) {
  if (!id.is_number_integer()) builder.fail("the id of '" + token + "' is not an integer");
  return id.get<int64_t>();
}

gptcore::bpe::Vocabulary read_pair(const std::string& encoder_json, const std::string& vocab_bpe, const nlohmann::json& added) {
  const nlohmann::json tokens = parsed(encoder_json);
  VocabularyBuilder builder(encoder_json, tokens.size() + added.size());
  for (const auto& [token, id] : tokens.items()) {
    if (added.contains(token)) continue;
    if (token == kEndOfText)
      builder.add_special(token, id_of(id, token, builder), /*always=*/false);
    else
      builder.add_token(token, id_of(id, token, builder));
  }
  for (const auto& [token, id] : added.items()) builder.add_special(token, id_of(id, token, builder), /*always=*/false);
  add_merges(vocab_bpe, builder);
  return builder.finish();
}

}  // namespace

std::string read_file(const std::string& path) {
  std::error_code none;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, none))
    throw Error(Code::data_missing, std::string("cannot read the file: ") + (in ? "it is a folder" : std::strerror(errno)),
                "check the tokenizer's paths", path);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  gptcore::refuse_lfs_pointer(bytes, Code::data_missing, path);
  return bytes;
}

gptcore::bpe::Vocabulary read_gpt2_files(const std::string& encoder_json, const std::string& vocab_bpe) {
  auto vocabulary = read_pair(encoder_json, vocab_bpe, nlohmann::json::object());
  vocabulary.whole_pieces = true;  // as tiktoken
  return vocabulary;
}

gptcore::bpe::Vocabulary read_hf_files(const std::string& folder) {
  const std::string added = folder + "/added_tokens.json";
  std::error_code none;
  return read_pair(folder + "/vocab.json", folder + "/merges.txt",
                   std::filesystem::exists(added, none) ? parsed(added) : nlohmann::json::object());
}
