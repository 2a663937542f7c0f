// Reads shards that numpy has written, as nano-gpt and build-nanogpt make them: one array of uint16 or uint32 ids per file, in
// the order of the files' names.
#include "../token_splits.h"
#include "core/data/corpus/source_files.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::datasets;

class NpyShards final : public TokenFileDataset {
 public:
  static void schema(Schema<NpyShards>& s) {
    s.param("path", &NpyShards::path_, "folder with *.npy; those with \"val\" in their name are for validation").path();
    s.param("train", &NpyShards::train_, "in place of path: files, folders and patterns (data/train_*.npy)").path();
    s.param("val", &NpyShards::val_, "the same for validation").path();
    s.param("vocab_size", &NpyShards::vocab_, "ids are below this; 0: as meta.json or the tokenizer says").range(0, 2147483647);
    s.check([](const NpyShards& d, Problems& found) {
      check_paths(d.path_, d.train_, d.val_, "path = \"data/edu_fineweb10B\"", found);
    });
  }

  void open(const DatasetContext& context) override {
    SplitFiles files;
    for (std::string& file : data_files(path_.empty() ? train_ : std::vector<std::string>{path_}, {".npy"}))
      (path_.empty() || !is_for_validation(file) ? files.train : files.val).push_back(std::move(file));
    if (path_.empty()) files.val = data_files(val_, {".npy"});
    if (files.train.empty()) throw Error(Code::data_missing, "every shard there is for validation", "check path", path_);
    open_tokens(files, TokenFormat::npy, {0, ""}, vocab_, context, "npy_shards");
  }

 private:
  static bool is_for_validation(const std::string& file) {
    return file.substr(file.find_last_of('/') + 1).find("val") != file.npos;
  }

  std::string path_;
  std::vector<std::string> train_, val_;
  int64_t vocab_ = 0;
};

void setup(Registrar& r) {
  r.dataset<NpyShards>("npy_shards", "numpy's .npy shards of token ids");
}

}  // namespace

GPTCORE_PLUGIN("npy_shards", GPTCORE_VERSION, setup)
