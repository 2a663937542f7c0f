// Reads binary files of token ids: nanoGPT's train.bin and val.bin without a header, and llm.c's shards with one. Windows are
// read on demand, so a corpus may be larger than the memory.
#include <algorithm>
#include <filesystem>

#include "../token_splits.h"
#include "core/data/corpus/source_files.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::datasets;
namespace fs = std::filesystem;

class TokenBin final : public TokenFileDataset {
 public:
  static void schema(Schema<TokenBin>& s) {
    s.param("path", &TokenBin::path_,
            "folder with train.bin, or train_*.bin, and, unless there is no validation, the same of val")
        .path();
    s.param("train", &TokenBin::train_, "in place of path: files and patterns (data/fineweb_train_*.bin), in this order")
        .path();
    s.param("val", &TokenBin::val_, "the same for validation").path();
    s.param("format", &TokenBin::format_, "what stands before the ids")
        .choice("auto", "llm.c's header where a file begins with one, else nothing")
        .choice("raw", "nothing")
        .choice("llmc", "llm.c's header, of version 1 (uint16) or 7 (uint32)");
    s.param("dtype", &TokenBin::dtype_, "of ids that no header describes")
        .choice("auto", "as meta.json or gptcore's manifest.json beside the files says; else uint32 above 65,536 tokens")
        .choice("uint16")
        .choice("uint32");
    s.param("vocab_size", &TokenBin::vocab_, "ids are below this; 0: as meta.json or the tokenizer says").range(0, 2147483647);
    s.check([](const TokenBin& d, Problems& found) {
      check_paths(d.path_, d.train_, d.val_, "path = \"data/openwebtext\"", found);
    });
  }

  void open(const DatasetContext& context) override {
    const TokenFormat format = format_ == "raw" ? TokenFormat::raw : format_ == "llmc" ? TokenFormat::llmc : TokenFormat::any;
    open_tokens({files(Split::train), files(Split::val)}, format, {width_of(dtype_)}, vocab_, context, "token_bin");
  }

 private:
  std::vector<std::string> files(Split split) const {
    if (path_.empty()) return data_files(split == Split::train ? train_ : val_, {".bin"});
    const fs::path path = fs::path(path_) / (std::string(name_of(split)) + ".bin");
    if (fs::exists(path)) return {path.string()};
    std::vector<std::string> shards;
    std::error_code absent;
    for (const fs::directory_entry& entry : fs::directory_iterator(path_, absent))
      if (entry.path().extension() == ".bin" && entry.path().filename().string().starts_with(std::string(name_of(split)) + "_"))
        shards.push_back(entry.path().string());
    std::sort(shards.begin(), shards.end());
    if (shards.empty() && split == Split::train) return {path.string()};  // opening it fails with an error that names it
    return shards;
  }

  std::string path_, format_ = "auto", dtype_ = "auto";
  std::vector<std::string> train_, val_;
  int64_t vocab_ = 0;
};

void setup(Registrar& r) {
  r.dataset<TokenBin>("token_bin", "binary token ids: nanoGPT's train.bin and val.bin, llm.c's shards");
}

}  // namespace

GPTCORE_PLUGIN("token_bin", GPTCORE_VERSION, setup)
