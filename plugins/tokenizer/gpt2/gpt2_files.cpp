#include "gpt2_files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "gptcore/error.h"

namespace {

using gptcore::Code;
using gptcore::Error;
using gptcore::bpe::VocabularyBuilder;

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr const char* kAgain = "get the file again";

nlohmann::json parsed(const std::string& path) {
  try {
    auto json = nlohmann::json::parse(read_file(path));
    if (json.is_object() && !json.empty()) return json;
  } catch (const nlohmann::json::exception& e) {
    throw Error(Code::data_corrupt, std::string("this is no encoder.json: ") + e.what(), kAgain, path);
  }
  throw Error(Code::data_corrupt, "this is no encoder.json: it wants {\"token\": id, ...}", kAgain, path);
}

void add_merges(const std::string& path, VocabularyBuilder& builder) {
  const std::string text = read_file(path);
  const auto fail = [&](size_t line, const std::string& what) {
    throw Error(Code::data_corrupt, what, kAgain, path + ":" + std::to_string(line));
  };
  size_t line = 0, merges = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) fail(line + 1, "the line has no end: the file is cut off");
    const std::string pair = text.substr(at, end - at);
    at = end + 1;
    ++line;
    if (pair.starts_with("#version") && line == 1) continue;
    const size_t space = pair.find(' ');
    if (space == std::string::npos || pair.find(' ', space + 1) != std::string::npos)
      fail(line, "this is no pair of tokens: '" + pair.substr(0, 40) + "'");
    builder.add_merge(pair.substr(0, space), pair.substr(space + 1), path + ":" + std::to_string(line));
    ++merges;
  }
  if (merges == 0) throw Error(Code::data_corrupt, "this is no vocab.bpe: there is no merge in it", kAgain, path);
}

}  // namespace

std::string read_file(const std::string& path) {
  std::error_code none;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, none))
    throw Error(Code::data_missing, std::string("cannot read the file: ") + (in ? "it is a folder" : std::strerror(errno)),
                "check the tokenizer's paths", path);
  return {std::istreambuf_iterator<char>(in), {}};
}

gptcore::bpe::Vocabulary read_gpt2_files(const std::string& encoder_json, const std::string& vocab_bpe) {
  const nlohmann::json tokens = parsed(encoder_json);
  VocabularyBuilder builder(encoder_json, tokens.size());
  for (const auto& [token, id] : tokens.items()) {
    if (!id.is_number_integer()) builder.fail("the id of '" + token + "' is no integer");
    if (token == kEndOfText)
      builder.add_special(token, id.get<int64_t>(), /*always=*/false);
    else
      builder.add_token(token, id.get<int64_t>());
  }
  add_merges(vocab_bpe, builder);
  auto vocabulary = builder.finish();
  vocabulary.whole_pieces = true;  // as tiktoken
  return vocabulary;
}
