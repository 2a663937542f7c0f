// Shows a dataset's tokens by a smaller vocabulary: special tokens and the most frequent others keep a number of their own, all
// others are one rare token. The control vocab_remapping = false shows the dataset's own numbers again.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>

#include "../source_tables.h"
#include "gptcore/draft/scored_pieces.h"
#include "gptcore/draft/shown_vocabulary.h"
#include "gptcore/plugin.h"
#include "gptcore/random.h"

namespace {

using namespace gptcore;
using namespace gptcore::datasets;

class VocabRemap final : public Dataset, SampleControls, ShownVocabulary {
 public:
  static void schema(Schema<VocabRemap>& s) {
    s.param("source", &VocabRemap::table_, "table of the dataset: use = its name, and its own keys").required();
    s.param("shrunken_vocab_size", &VocabRemap::size_, "ids of the smaller vocabulary, the rare token's included")
        .required()
        .range(2, 2147483647);
    s.param("rare_token_id", &VocabRemap::rare_, "the id below shrunken_vocab_size that stands for every rarer token")
        .at_least(0);
    s.param("count_tokens", &VocabRemap::count_tokens_, "training tokens, from places all over, that are counted")
        .range(1, 1e12);
    s.param("vocab_remapping", &VocabRemap::remapping_, "false: the dataset's own numbers are shown");
    s.check([](const VocabRemap& d, Problems& found) {
      if (const std::string wrong = misfit_of_source(d.table_); !wrong.empty())
        found.push_back({"source", wrong, "write [dataset.source]"});
      if (d.rare_ >= d.size_)
        found.push_back(
            {"rare_token_id",
             "rare_token_id = " + std::to_string(d.rare_) + " is not below shrunken_vocab_size = " + std::to_string(d.size_),
             {}});
    });
  }

  void open(const DatasetContext& context) override {
    DatasetContext own = context;
    own.vocab_limit = 0;  // the source's ids are not those that the model sees
    sources_ = open_sources({&table_.as<Table>()}, own);
    vocab_ = source().vocab_size();
    if (vocab_ == 0 && context.tokenizer) vocab_ = context.tokenizer->vocab_size();
    if (size_ >= vocab_)
      throw Error(
          Code::conflict,
          "a vocabulary of " + std::to_string(size_) + " ids is not smaller than the source's " + std::to_string(vocab_),
          "write a smaller shrunken_vocab_size, or use the source without vocab_remap");
    const int64_t needed = remapping_ ? size_ : vocab_;
    if (context.vocab_limit > 0 && needed > context.vocab_limit)
      throw Error(Code::token_out_of_range,
                  "the vocabulary has " + std::to_string(needed) + " ids, the model " + std::to_string(context.vocab_limit),
                  "leave model.vocab_size out to take the data's");
    block_size_ = context.block_size;
    std::vector<int64_t> counts = count(Counted::shown);
    if (context.tokenizer && context.tokenizer->ready()) prefer_specials(*context.tokenizer, counts);
    choose(counts);
    const int64_t kept = kept_numbers();
    context.host->log(Level::info, "vocabulary of " + std::to_string(size_) + " of " + std::to_string(vocab_) +
                                       " tokens: " + std::to_string(kept) + " keep their number, " +
                                       std::to_string(size_ - 1 - kept) + " take another");
  }

  int64_t vocab_size() const override { return remapping_ ? size_ : vocab_; }
  int64_t tokens(Split split) const override { return source().tokens(split); }
  int64_t windows(Split split) const override { return source().windows(split); }
  void batch(const BatchRequest& request, Batch& out) override {
    source().batch(request, out);
    if (!remapping_) return;
    for (at::Tensor* tensor : {&out.ids, &out.targets}) {
      int64_t* ids = tensor->mutable_data_ptr<int64_t>();
      for (int64_t i = 0; i < tensor->numel(); ++i)
        if (ids[i] >= 0) ids[i] = number(ids[i]);
    }
  }
  std::string fingerprint() const override { return source().fingerprint(); }

  // Saves whether it remaps, each id's number, and the source's state. The numbers do not change when the data changes.
  std::string save() const override {
    const auto* numbers = reinterpret_cast<const char*>(numbers_.data());
    return (remapping_ ? "3" : "2") + std::string(numbers, numbers_.size() * sizeof(int32_t)) + source().save();
  }
  // States of earlier versions, '0' and '1', lack the numbers: those versions counted what is predicted.
  void load(std::string_view saved) override {
    const char kind = saved.empty() ? ' ' : saved[0];
    const size_t bytes = kind == '2' || kind == '3' ? numbers_.size() * sizeof(int32_t) : 0;
    if (kind < '0' || kind > '3' || saved.size() < 1 + bytes) refuse_state("it is truncated, or of another dataset");
    if (bytes > 0) {
      std::vector<int32_t> numbers(numbers_.size());
      std::memcpy(numbers.data(), saved.data() + 1, bytes);
      take(std::move(numbers));
    } else {
      choose(count(Counted::predicted));
    }
    remapping_ = kind == '1' || kind == '3';
    if (saved.size() > 1 + bytes) source().load(saved.substr(1 + bytes));
  }
  void set(std::string_view key, const Value& value) override {
    if (key != "vocab_remapping") return source().set(key, value);
    if (!value.is<bool>())
      throw Error(Code::wrong_type, std::string("'vocab_remapping' expects a boolean, got ") + type_name(value));
    remapping_ = value.as<bool>();
  }
  void* extension(std::string_view id) override { return extension_as<ShownVocabulary, SampleControls>(this, id); }
  std::span<const int32_t> shown_ids() const noexcept override {
    return remapping_ ? std::span<const int32_t>(ids_) : std::span<const int32_t>();
  }
  int32_t rare_number() const noexcept override { return static_cast<int32_t>(rare_); }
  int64_t whole_size() const noexcept override { return vocab_; }
  Status set_from(std::string_view key, const Value& value, int64_t first_sample) noexcept override {
    auto* const inner = key == "vocab_remapping" ? nullptr : extension_of<SampleControls>(source());
    if (inner) return inner->set_from(key, value, first_sample);
    return guard([&] { set(key, value); });
  }

 private:
  Dataset& source() const { return *sources_.front().dataset; }

  int64_t number(int64_t id) const {
    if (id >= vocab_)
      throw Error(Code::token_out_of_range,
                  "the source shows the id " + std::to_string(id) + ", which is not below its size " + std::to_string(vocab_));
    return numbers_[static_cast<size_t>(id)];
  }

  enum class Counted { shown, predicted };

  // Returns how often each id occurs in windows spread over the training split. Each token of a stream counts once, whether it
  // is a target or only shown.
  std::vector<int64_t> count(Counted counted) {
    std::vector<int64_t> out(static_cast<size_t>(vocab_));
    const auto add = [&](int64_t id) {
      if (id >= 0 && id < vocab_) ++out[static_cast<size_t>(id)];
    };
    const bool whole = source().tokens(Split::train) <= count_tokens_;
    const int64_t windows = whole ? source().windows(Split::train) : (count_tokens_ + block_size_ - 1) / block_size_;
    int64_t before = -1;  // the target that the next id is, unless a document ends there
    for (int64_t w = 0; w < windows; ++w) {
      Batch batch;
      source().batch({Split::train, whole ? Order::sequential : Order::shuffled, w, 1}, batch);
      const int64_t* ids = batch.ids.const_data_ptr<int64_t>();
      const int64_t* targets = batch.targets.const_data_ptr<int64_t>();
      const int64_t shown = counted == Counted::shown ? filled(ids, targets, batch.ids.numel()) : 0;
      if (!whole) before = -1;
      for (int64_t i = 0; i < batch.targets.numel(); ++i) {
        if (i < shown && ids[i] != before) add(ids[i]);
        add(targets[i]);
        before = targets[i];
      }
    }
    return out;
  }

  // Returns the length of a window without its padding of zeros.
  static int64_t filled(const int64_t* ids, const int64_t* targets, int64_t length) {
    while (length > 0 && ids[length - 1] == 0 && targets[length - 1] < 0) --length;
    return length;
  }

  // Puts the special tokens that the data has before all others.
  static void prefer_specials(Tokenizer& tokenizer, std::vector<int64_t>& counts) {
    PieceModel model;  // has the names of tokens that are not text
    if (auto* scored = extension_of<ScoredPieces>(tokenizer)) throw_if_failed(scored->scored_pieces(model));
    const int64_t most = *std::max_element(counts.begin(), counts.end());
    const size_t known = std::min(counts.size(), static_cast<size_t>(tokenizer.vocab_size()));
    for (size_t i = 0; i < known; ++i) {
      if (counts[i] == 0) continue;
      const auto id = static_cast<int32_t>(i);
      if (tokenizer.special(i < model.pieces.size() ? model.pieces[i].text : tokenizer.decode({&id, 1})) == id)
        counts[i] += most;
    }
  }

  // Chooses the numbers. Frequent ids below `size` keep their number, so that undoing the remapping moves as few as possible;
  // other frequent ids take the free numbers.
  void choose(const std::vector<int64_t>& counts) {
    std::vector<int64_t> order(counts.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return counts[static_cast<size_t>(a)] > counts[static_cast<size_t>(b)]; });
    order.erase(std::find(order.begin(), order.end(), rare_));
    order.resize(static_cast<size_t>(size_ - 1));
    std::sort(order.begin(), order.end());
    std::vector<int32_t> numbers(counts.size(), static_cast<int32_t>(rare_));
    std::vector<bool> taken(static_cast<size_t>(size_));
    taken[static_cast<size_t>(rare_)] = true;
    for (const int64_t id : order) {
      if (id >= size_) continue;
      numbers[static_cast<size_t>(id)] = static_cast<int32_t>(id);
      taken[static_cast<size_t>(id)] = true;
    }
    size_t free = 0;
    for (const int64_t id : order) {
      if (id < size_) continue;
      while (taken[free]) ++free;
      numbers[static_cast<size_t>(id)] = static_cast<int32_t>(free);
      taken[free] = true;
    }
    take(std::move(numbers));
  }
  // Returns how many tokens, except the rare one, have the source's number.
  int64_t kept_numbers() const {
    int64_t kept = 0;
    for (int64_t n = 0; n < size_; ++n) kept += n != rare_ && ids_[static_cast<size_t>(n)] == n;
    return kept;
  }

  // Takes the numbers and the ids that they stand for. Throws Error(checkpoint_corrupt) when they are not of this vocabulary.
  void take(std::vector<int32_t> numbers) {
    std::vector<int32_t> ids(static_cast<size_t>(size_), -1);
    for (size_t id = 0; id < numbers.size(); ++id) {
      if (numbers[id] < 0 || numbers[id] >= size_) refuse_state("it is of another vocabulary");
      if (numbers[id] != rare_ || static_cast<int64_t>(id) == rare_)
        ids[static_cast<size_t>(numbers[id])] = static_cast<int32_t>(id);
    }
    if (std::find(ids.begin(), ids.end(), -1) != ids.end()) refuse_state("it is of another vocabulary");
    numbers_ = std::move(numbers);
    ids_ = std::move(ids);
  }
  [[noreturn]] static void refuse_state(const std::string& why) {
    throw Error(Code::checkpoint_corrupt, "the saved state of dataset 'vocab_remap' cannot be used: " + why,
                "continue with the shrunken_vocab_size and rare_token_id that the run began with");
  }

  Value table_;
  int64_t size_ = 0, rare_ = 0, count_tokens_ = 10'000'000;
  bool remapping_ = true;

  std::vector<Source> sources_;
  int64_t vocab_ = 0, block_size_ = 0;  // vocab_ is the source's
  std::vector<int32_t> numbers_;        // by the source's id
  std::vector<int32_t> ids_;            // of the source, by number
};

void setup(Registrar& r) {
  r.dataset<VocabRemap>("vocab_remap", "a dataset with its rarer tokens as one");
}

}  // namespace

GPTCORE_PLUGIN("vocab_remap", GPTCORE_VERSION, setup)
