// Shows a dataset's tokens by a smaller vocabulary: the most frequent ones keep a number of their own, all others are one rare
// token. The control vocab_remapping = false shows the dataset's own numbers again.
#include <algorithm>
#include <numeric>

#include "../source_tables.h"
#include "gptcore/plugin.h"
#include "gptcore/random.h"

namespace {

using namespace gptcore;
using namespace gptcore::datasets;

class VocabRemap final : public Dataset, SampleControls {
 public:
  static void schema(Schema<VocabRemap>& s) {
    s.param("source", &VocabRemap::table_, "table of the dataset: use = its name, and its own keys").required();
    s.param("size", &VocabRemap::size_, "ids of the smaller vocabulary, the rare token's included")
        .required()
        .range(2, 2147483647);
    s.param("rare_id", &VocabRemap::rare_, "the id below size that stands for every rarer token").at_least(0);
    s.param("count_tokens", &VocabRemap::count_tokens_, "training tokens, from places all over, that are counted")
        .range(1, 1e12);
    s.param("vocab_remapping", &VocabRemap::remapping_, "false: the dataset's own numbers are shown");
    s.check([](const VocabRemap& d, Problems& found) {
      if (const std::string wrong = misfit_of_source(d.table_); !wrong.empty())
        found.push_back({"source", wrong, "write [dataset.source]"});
      if (d.rare_ >= d.size_)
        found.push_back(
            {"rare_id", "rare_id = " + std::to_string(d.rare_) + " is not below size = " + std::to_string(d.size_), {}});
    });
  }

  void open(const DatasetContext& context) override {
    DatasetContext own = context;
    own.vocab_limit = 0;  // the source's ids are not those that the model sees
    sources_ = open_sources({&table_.as<Table>()}, own);
    vocab_ = source().vocab_size();
    if (vocab_ == 0 && context.tokenizer) vocab_ = context.tokenizer->vocab_size();
    if (size_ >= vocab_)
      throw Error(Code::conflict,
                  "a vocabulary of " + std::to_string(size_) + " ids is no smaller than the source's " + std::to_string(vocab_),
                  "write a smaller size, or use the source without vocab_remap");
    const int64_t needed = remapping_ ? size_ : vocab_;
    if (context.vocab_limit > 0 && needed > context.vocab_limit)
      throw Error(Code::token_out_of_range,
                  "the vocabulary has " + std::to_string(needed) + " ids, the model " + std::to_string(context.vocab_limit),
                  "model.vocab_size must be at least " + std::to_string(needed));
    choose(count(context.block_size), *context.host);
  }

  int64_t vocab_size() const override { return vocab_; }
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

  std::string save() const override { return (remapping_ ? "1" : "0") + source().save(); }
  void load(std::string_view saved) override {
    if (saved.empty() || (saved[0] != '0' && saved[0] != '1'))
      throw Error(Code::checkpoint_corrupt, "the saved state of dataset 'vocab_remap' cannot be used");
    remapping_ = saved[0] == '1';
    if (saved.size() > 1) source().load(saved.substr(1));
  }
  void set(std::string_view key, const Value& value) override {
    if (key != "vocab_remapping") return source().set(key, value);
    if (!value.is<bool>())
      throw Error(Code::wrong_type, std::string("'vocab_remapping' wants a boolean, got ") + type_name(value));
    remapping_ = value.as<bool>();
  }
  void* extension(std::string_view id) override { return id == kControls ? static_cast<SampleControls*>(this) : nullptr; }
  Status set_from(std::string_view key, const Value& value, int64_t first_sample) noexcept override {
    auto* const inner = key == "vocab_remapping" ? nullptr : static_cast<SampleControls*>(source().extension(kControls));
    if (inner) return inner->set_from(key, value, first_sample);
    return guard([&] { set(key, value); });
  }

 private:
  static constexpr std::string_view kControls = "gptcore.sample_controls/1";
  Dataset& source() const { return *sources_.front().dataset; }

  int64_t number(int64_t id) const {
    if (id >= vocab_)
      throw Error(Code::token_out_of_range,
                  "the source shows the id " + std::to_string(id) + ", which is not below its size " + std::to_string(vocab_));
    return numbers_[static_cast<size_t>(id)];
  }

  // How often each id is predicted, in windows spread over the training split.
  std::vector<int64_t> count(int64_t block_size) {
    std::vector<int64_t> out(static_cast<size_t>(vocab_));
    const bool whole = source().tokens(Split::train) <= count_tokens_;
    const int64_t windows = whole ? source().windows(Split::train) : (count_tokens_ + block_size - 1) / block_size;
    for (int64_t w = 0; w < windows; ++w) {
      Batch batch;
      source().batch({Split::train, whole ? Order::sequential : Order::shuffled, w, 1}, batch);
      const int64_t* ids = batch.targets.const_data_ptr<int64_t>();
      for (int64_t i = 0; i < batch.targets.numel(); ++i)
        if (ids[i] >= 0 && ids[i] < vocab_) ++out[static_cast<size_t>(ids[i])];
    }
    return out;
  }

  // Frequent ids below `size` keep their number, so that undoing the remapping moves as few as possible; other frequent ones
  // take the numbers that are free.
  void choose(const std::vector<int64_t>& counts, Host& host) {
    std::vector<int64_t> order(counts.size());
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return counts[static_cast<size_t>(a)] > counts[static_cast<size_t>(b)]; });
    order.erase(std::find(order.begin(), order.end(), rare_));
    order.resize(static_cast<size_t>(size_ - 1));
    std::sort(order.begin(), order.end());
    numbers_.assign(counts.size(), static_cast<int32_t>(rare_));
    std::vector<bool> taken(static_cast<size_t>(size_));
    taken[static_cast<size_t>(rare_)] = true;
    int64_t kept = 0;
    for (const int64_t id : order) {
      if (id >= size_) continue;
      numbers_[static_cast<size_t>(id)] = static_cast<int32_t>(id);
      taken[static_cast<size_t>(id)] = true;
      ++kept;
    }
    size_t free = 0;
    for (const int64_t id : order) {
      if (id < size_) continue;
      while (taken[free]) ++free;
      numbers_[static_cast<size_t>(id)] = static_cast<int32_t>(free);
      taken[free] = true;
    }
    host.log(Level::info, "vocabulary of " + std::to_string(size_) + " of " + std::to_string(vocab_) +
                              " tokens: " + std::to_string(kept) + " keep their number, " + std::to_string(size_ - 1 - kept) +
                              " take another");
  }

  Value table_;
  int64_t size_ = 0, rare_ = 0, count_tokens_ = 10'000'000;
  bool remapping_ = true;

  std::vector<Source> sources_;
  int64_t vocab_ = 0;             // of the source
  std::vector<int32_t> numbers_;  // by the source's id
};

void setup(Registrar& r) {
  r.dataset<VocabRemap>("vocab_remap", "a dataset with its rarer tokens as one");
}

}  // namespace

GPTCORE_PLUGIN("vocab_remap", GPTCORE_VERSION, setup)
