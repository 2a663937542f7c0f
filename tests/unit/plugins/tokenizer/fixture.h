// A tiny byte-level BPE vocabulary on disk, and the tokenizers that read or learn one.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bpe/byte_text.h"
#include "core/plugin/loader.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"

namespace gptcore::test {

using Ids = std::vector<int32_t>;

inline const PluginSet& plugins() {
  static const PluginSet set = [] {
    PluginSet s;
    for (const char* name : {"gpt2", "bpe_train"}) s.load(std::string(PLUGINS) + "/" + name + ".so");
    return s;
  }();
  return set;
}

// Keeps what it is told; "downloads" the file of a url's last part from `cache`.
struct QuietHost final : Host {
  void log(Level, std::string_view text) override { logged.emplace_back(text); }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view url, std::string_view sha256) override {
    fetched.emplace_back(url, sha256);
    if (cache.empty()) throw Error(Code::download_failed, "cannot download " + std::string(url), "put it there by hand");
    return cache + "/" + std::string(url.substr(url.rfind('/') + 1));
  }
  std::string cache;
  std::vector<std::string> logged;
  std::vector<std::pair<std::string, std::string>> fetched;
};

inline std::unique_ptr<Tokenizer> opened(const std::string& name, const Table& values, Host& host) {
  auto tokenizer = plugins().tokenizer(name, values);
  tokenizer->open(host);
  return tokenizer;
}

// What f must throw.
inline Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  throw std::logic_error("nothing was thrown");
}

// The error of a tokenizer that reads its vocabulary.
inline Error reading_error(const Table& values) {
  QuietHost host;
  return error_of([&] { opened("gpt2", values, host)->vocab_size(); });
}

// Writes vocab.bpe and encoder.json: the 256 bytes, then a token for each merge, then <|endoftext|>.
class TinyVocabulary : public TempFolder {
 public:
  explicit TinyVocabulary(const std::vector<std::pair<std::string, std::string>>& merges = {
                              {"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {" ", "w"}}) {
    for (const uint8_t byte : bpe::bytes_in_order())
      tokens.push_back(bpe::printable_of(std::string(1, static_cast<char>(byte))));
    for (const auto& [left, right] : merges) {
      lines.push_back(bpe::printable_of(left) + " " + bpe::printable_of(right));
      tokens.push_back(bpe::printable_of(left + right));
    }
    tokens.push_back("<|endoftext|>");
    write();
  }
  void write() const {
    nlohmann::json encoder;
    for (size_t id = 0; id < tokens.size(); ++id) encoder[tokens[id]] = id;
    write_raw(encoder_json(), encoder.dump());
    std::string text = "#version: 0.2\n";
    for (const std::string& line : lines) text += line + "\n";
    write_raw(vocab_bpe(), text);
  }
  std::filesystem::path encoder_json() const { return path / "encoder.json"; }
  std::filesystem::path vocab_bpe() const { return path / "vocab.bpe"; }
  Table dir(Table more = {}) const {
    more.emplace_back("dir", path.string());
    return more;
  }

  std::vector<std::string> tokens, lines;  // as the files write them; tokens by id
};

// The folder of GPT-2's own files, or "" where they are not.
inline std::string data_folder() {
  const char* source = std::getenv("GPTCORE_SOURCE");
  const std::string path = std::string(source ? source : ".") + "/../shared/data";
  return std::filesystem::exists(path + "/gpt2_bpe/vocab.bpe") ? path : "";
}

}  // namespace gptcore::test
