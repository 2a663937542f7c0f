// GPT-2's byte-level BPE: the ids that tiktoken's "gpt2" gives, for any bytes. Also reads other byte-level BPE vocabularies
// from HuggingFace's tokenizer.json, or vocab.json and merges.txt. The vocabulary is read when it is first needed, so a
// checkpoint's takes its place unread.
#include <filesystem>
#include <string>
#include <vector>

#include "bpe/bpe_tokenizer.h"
#include "bpe/tokenizer_json.h"
#include "gpt2_files.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
namespace fs = std::filesystem;

constexpr const char* kEncoder = "encoder.json";
constexpr const char* kEncoderSha256 = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783";
constexpr const char* kMerges = "vocab.bpe";
constexpr const char* kMergesSha256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5";
constexpr const char* kJson = "tokenizer.json";
constexpr const char* kHfTokens = "vocab.json";
constexpr const char* kHfMerges = "merges.txt";
constexpr const char* kUrl = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main";

class Gpt2 final : public bpe::BpeTokenizer {
 public:
  static void schema(Schema<Gpt2>& s) {
    s.param("dir", &Gpt2::dir_, "the folder of vocab.bpe and encoder.json, of tokenizer.json, or of vocab.json and merges.txt")
        .path();
    s.param("vocab_bpe", &Gpt2::vocab_bpe_, "the file of the merges, with encoder_json").path();
    s.param("encoder_json", &Gpt2::encoder_json_, "the file of the tokens, with vocab_bpe").path();
    s.param("tokenizer_json", &Gpt2::tokenizer_json_, "a byte-level BPE vocabulary of HuggingFace").path();
    s.param("url", &Gpt2::url_,
            "where to download GPT-2's vocab.bpe and encoder.json from when no file is given; empty: from OpenAI");
    common_parameters(s);
    s.check([](const Gpt2& t, Problems& found) {
      const bool pair = !t.vocab_bpe_.empty() || !t.encoder_json_.empty();
      if (!t.dir_.empty() + pair + !t.tokenizer_json_.empty() > 1)
        found.push_back(
            {"dir", "dir, tokenizer_json and the pair of vocab_bpe and encoder_json exclude each other", "keep one"});
      if (pair && t.encoder_json_.empty()) found.push_back({"vocab_bpe", "vocab_bpe is given without encoder_json", ""});
      if (pair && t.vocab_bpe_.empty()) found.push_back({"encoder_json", "encoder_json is given without vocab_bpe", ""});
    });
  }

  void open(Host& host) override { host_ = &host; }

 private:
  bpe::Vocabulary first_vocabulary() const override {
    if (!tokenizer_json_.empty()) return bpe::parse_tokenizer_json(read_file(tokenizer_json_), tokenizer_json_);
    if (!vocab_bpe_.empty()) return read_gpt2_files(encoder_json_, vocab_bpe_);
    return dir_.empty() ? downloaded() : in_folder();
  }

  bpe::Vocabulary in_folder() const {
    const fs::path folder(dir_);
    std::error_code none;
    const auto there = [&](const char* name) { return fs::exists(folder / name, none); };
    if (there(kMerges) || there(kEncoder)) return read_gpt2_files((folder / kEncoder).string(), (folder / kMerges).string());
    if (there(kJson)) return bpe::parse_tokenizer_json(read_file((folder / kJson).string()), (folder / kJson).string());
    if (there(kHfTokens) && there(kHfMerges)) return read_hf_files(dir_);
    throw Error(Code::data_missing,
                "the folder has none of vocab.bpe and encoder.json, tokenizer.json, vocab.json and merges.txt",
                "dir names the folder of a vocabulary; without dir GPT-2's is downloaded", dir_);
  }

  bpe::Vocabulary downloaded() const {
    const auto fetch = [&](const char* name, const char* sha256) {
      try {
        return host_->fetch((url_.empty() ? kUrl : url_) + "/" + name, sha256);
      } catch (const Error& e) {
        throw Error(e.code(), e.what(), "set dir = \"FOLDER\" to one that holds vocab.bpe and encoder.json; else " + e.hint(),
                    e.where());
      }
    };
    const std::string encoder = fetch(kEncoder, kEncoderSha256);
    return read_gpt2_files(encoder, fetch(kMerges, kMergesSha256));
  }

  std::string dir_, vocab_bpe_, encoder_json_, tokenizer_json_, url_;
  Host* host_ = nullptr;
};

void setup(Registrar& r) {
  r.tokenizer<Gpt2>("gpt2", "byte-level BPE with GPT-2's vocabulary, or that of a tokenizer.json");
}

}  // namespace

GPTCORE_PLUGIN("gpt2", GPTCORE_VERSION, setup)
