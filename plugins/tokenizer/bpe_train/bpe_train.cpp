// Byte-level BPE whose vocabulary is learned from the corpus.
#include <algorithm>
#include <string>
#include <thread>

#include "bpe/bpe_tokenizer.h"
#include "gptcore/plugin.h"
#include "learning.h"
#include "word_counts.h"

namespace {

using namespace gptcore;

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr int64_t kBytes = 256;

class BpeTrain final : public bpe::BpeTokenizer {
 public:
  static void schema(Schema<BpeTrain>& s) {
    s.param("vocab_size", &BpeTrain::vocab_size_, "tokens to learn, with the 256 bytes and the special tokens")
        .range(kBytes + 1, 1 << 24);
    s.param("pattern", &BpeTrain::pattern_, "what cuts the text into words: \"gpt2\", or a Perl regular expression");
    s.param("min_count", &BpeTrain::min_count_, "pairs that are there less often are not merged").at_least(1);
    s.param("threads", &BpeTrain::threads_, "threads that count words; 0: all. The result is the same").range(0, 1024);
    common_parameters(s);
    s.check([](const BpeTrain& t, Problems& found) {
      const int64_t least = kBytes + static_cast<int64_t>(t.specials().size());
      if (t.vocab_size_ < least)
        found.push_back(
            {"vocab_size",
             "vocab_size is " + std::to_string(t.vocab_size_) + ", but bytes and special tokens are " + std::to_string(least),
             "make it larger"});
      try {
        const bpe::Splitter check(t.pattern_);
      } catch (const Error& e) {
        found.push_back({"pattern", e.what(), e.hint()});
      }
    });
  }

  void open(Host& host) override { host_ = &host; }
  bool ready() const override { return is_set(); }

  void learn(std::string_view corpus) override {
    if (corpus.empty()) throw Error(Code::data_empty, "there is no text to learn from", "check the dataset's files");
    const auto bytes = static_cast<int64_t>(corpus.size());
    const int64_t threads = threads_ > 0 ? threads_ : static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
    const auto words = count_words(corpus, bpe::Splitter(pattern_), threads,
                                   [&](int64_t done) { host_->progress("counting words", done, bytes, "B"); });

    const auto goal = vocab_size_ - static_cast<int64_t>(specials().size());
    bpe::Vocabulary learned = learn_merges(words, {goal, min_count_}, [&](int64_t tokens) {
      if (tokens % kShownEvery == 0) host_->progress("learning merges", tokens, goal, "tokens");
    });
    const auto tokens = static_cast<int64_t>(learned.tokens.size());
    host_->progress("learning merges", tokens, tokens, "tokens");
    if (tokens < goal)
      host_->log(Level::warning, "the text gives " + std::to_string(tokens - kBytes) +
                                     " merges, fewer than vocab_size = " + std::to_string(vocab_size_) + " has room for");
    learned.pattern = pattern_;
    for (const std::string& text : specials()) learned.add_special(text);
    set(std::move(learned));
  }

 private:
  static constexpr int64_t kShownEvery = 64;

  std::vector<std::string> specials() const {
    std::vector<std::string> texts = asked_specials();
    texts.insert(texts.begin(), kEndOfText);
    return texts;
  }
  bpe::Vocabulary first_vocabulary() const override {
    throw Error(Code::missing_key, "the tokenizer \"bpe_train\" has not learned a vocabulary",
                "it learns from a dataset of text, or is loaded from a run");
  }

  int64_t vocab_size_ = 8192, min_count_ = 2, threads_ = 0;
  std::string pattern_ = bpe::kGpt2Pattern;
  Host* host_ = nullptr;
};

void setup(Registrar& r) {
  r.tokenizer<BpeTrain>("bpe_train", "byte-level BPE whose vocabulary is learned from the dataset");
}

}  // namespace

GPTCORE_PLUGIN("bpe_train", GPTCORE_VERSION, setup)
