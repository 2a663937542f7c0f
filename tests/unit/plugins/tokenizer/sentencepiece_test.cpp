// A model that is trained here, as none is in the repository.
#include <sentencepiece_trainer.h>

#include "core/plugin/loader.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;

namespace {

using Ids = std::vector<int32_t>;

struct QuietHost final : Host {
  void log(Level, std::string_view) override {}
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
};

class TinyModel : public TempFolder {
 public:
  TinyModel() {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "the cat sat on the mat\nanother line of words for the model\n";
    write_raw(path / "text", text);
    const std::string at = path.string();
    const auto status = sentencepiece::SentencePieceTrainer::Train("--input=" + at + "/text --model_prefix=" + at +
                                                                   "/tiny --vocab_size=40 --minloglevel=3 --model_type=bpe");
    if (!status.ok()) throw std::runtime_error(status.ToString());
    plugins.load(std::string(PLUGINS) + "/sentencepiece.so");
  }
  std::unique_ptr<Tokenizer> open(const std::string& file) {
    auto t = plugins.tokenizer("sentencepiece", {{"model", file}});
    t->open(host);
    return t;
  }
  std::string file() const { return (path / "tiny.model").string(); }

  PluginSet plugins;
  QuietHost host;
};

Code code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.code();
  }
  throw std::logic_error("nothing was thrown");
}

}  // namespace

TEST_CASE("a SentencePiece model beside LibTorch encodes text that comes back, also without its file") {
  TinyModel model;
  const auto t = model.open(model.file());
  CHECK(t->vocab_size() == 40);
  const Ids ids = t->encode("the cat on the line");
  CHECK(ids.size() < 19);
  CHECK(t->decode(ids) == "the cat on the line");
  CHECK(t->special("</s>") == 2);
  CHECK(t->special("the") == std::nullopt);

  const std::string saved = t->save();
  std::filesystem::remove(model.file());
  const auto loaded = model.open(model.file());
  loaded->load(saved);
  CHECK(loaded->encode("the cat on the line") == ids);
}

TEST_CASE("a SentencePiece model tells its pieces with their scores and kinds, its type and what it does with blanks") {
  TinyModel model;
  const auto t = model.open(model.file());
  auto* const told = extension_of<ScoredPieces>(*t);
  REQUIRE(told);
  PieceModel pieces;
  throw_if_failed(told->scored_pieces(pieces));
  REQUIRE(pieces.pieces.size() == 40);
  CHECK(pieces.pieces[0].text == "<unk>");
  CHECK(pieces.pieces[0].kind == ScoredPiece::Kind::unknown);
  CHECK(pieces.pieces[2].text == "</s>");
  CHECK(pieces.pieces[2].kind == ScoredPiece::Kind::control);
  CHECK(pieces.pieces[3].kind == ScoredPiece::Kind::normal);
  CHECK(pieces.pieces[3].score == 0);  // BPE's scores are 0, -1, -2, ...
  CHECK(pieces.pieces[4].score == -1);
  CHECK(pieces.merges);
  CHECK(pieces.space_prefix);
  CHECK(pieces.normalizes);
}

TEST_CASE("a Git LFS pointer in a model's place is named as one") {
  TinyModel model;
  write_raw(model.path / "pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 456318\n");
  CHECK(code_of([&] { model.open((model.path / "pointer").string())->vocab_size(); }) == Code::data_missing);
}

TEST_CASE("a SentencePiece model that is missing or damaged, and ids that are none, are refused") {
  TinyModel model;
  CHECK(code_of([&] { model.open("/nonexistent")->vocab_size(); }) == Code::data_missing);
  const std::string bytes = read_raw(model.file());
  for (const std::string& bad : {std::string(), std::string("no model"), bytes.substr(0, bytes.size() / 2)}) {
    write_raw(model.path / "bad", bad);
    CHECK(code_of([&] { model.open((model.path / "bad").string())->vocab_size(); }) == Code::data_corrupt);
    CHECK(code_of([&] { model.open(model.file())->load(bad); }) == Code::checkpoint_corrupt);
  }
  CHECK(code_of([&] { model.open(model.file())->decode(Ids{40}); }) == Code::token_out_of_range);
}
