// Operations on the vocabulary and on which of its tokens the data shows.
#include <algorithm>

#include "../argument.h"
#include "../scheduled.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

class ResizeVocabulary final : public Scheduled {
 public:
  static constexpr Effects effects = kReshapes;
  static void schema(Schema<ResizeVocabulary>& s) {
    s.param("value", &ResizeVocabulary::value_, "[source, noise], or source alone");
    s.param("source", &ResizeVocabulary::source_, "new rows are copies of this token's; -1 = the mean of all tokens'")
        .range(-1, 1e9);
    s.param("noise", &ResizeVocabulary::noise_, "standard deviation of what is added to new rows").range(0, 1);
    s.param("size", &ResizeVocabulary::size_, "number of tokens afterwards; 0 = as many as the data needs").range(0, 1e9);
    s.check([](const ResizeVocabulary& o, Problems& found) { check_argument(found, "value", [&] { o.with_value(); }); });
  }

  void open(const OperationContext& context) override {
    *this = with_value();
    data_ = context.data_vocab_size;
    if (size_ > 0 && size_ < data_)
      throw Error(Code::out_of_range,
                  "a vocabulary of " + std::to_string(size_) + " is smaller than the data's " + std::to_string(data_),
                  "leave size out to take the data's");
    if (size_ > 0) wanted(context.model->vocab_size());
  }

  void plan(const TrainingView&, ModelEdit& edit) override {
    const int64_t now = edit.model().vocab_size(), size = wanted(now);
    if (size == now) return;
    if (source_ >= now)
      throw Error(Code::out_of_range, "there is no token " + std::to_string(source_) + " to copy",
                  "the model has tokens 0 to " + std::to_string(now - 1) + " now");
    edit.resize_vocabulary(size, source_, noise_);
  }

 private:
  // Returns a copy with the settings of `value` put in.
  ResizeVocabulary with_value() const {
    ResizeVocabulary all = *this;
    all.value_ = {};
    if (value_.empty()) return all;
    const List list = value_.is<List>() ? value_.as<List>() : List{value_};
    const auto noise = list.size() == 2 ? number_in(list[1]) : std::optional<double>(noise_);
    if (list.empty() || list.size() > 2 || !list[0].is<int64_t>() || list[0].as<int64_t>() < -1 || !noise || *noise < 0 ||
        *noise > 1)
      refuse_value("[source, noise] with a token number and a noise of 0 to 1", value_);
    all.source_ = list[0].as<int64_t>();
    all.noise_ = *noise;
    return all;
  }

  int64_t wanted(int64_t now) const {
    if (size_ == 0 && data_ == 0) throw Error(Code::missing_key, "it is not known how many tokens the data needs", "give size");
    if (size_ == 0) return std::max(now, data_);
    if (size_ < now)
      throw Error(Code::out_of_range,
                  "the model has " + std::to_string(now) + " tokens and cannot shrink to " + std::to_string(size_));
    return size_;
  }

  Value value_;
  int64_t source_ = -1, size_ = 0, data_ = 0;
  double noise_ = 0.01;
};

struct DisableVocabRemapping final : Scheduled {
  static constexpr Effects effects = kControlsData;
  Value value;
  int64_t data = 0;  // ids that it will show
  static void schema(Schema<DisableVocabRemapping>& s) {
    s.param("value", &DisableVocabRemapping::value, "not used; lists of operations have it");
  }
  void open(const OperationContext& context) override { data = context.data_vocab_size; }
  void plan(const TrainingView&, ModelEdit& edit) override {
    if (const int64_t now = edit.model().vocab_size(); now < data)
      throw Error(Code::conflict,
                  "the data would show " + std::to_string(data) + " tokens, the model has " + std::to_string(now),
                  "let resize_vocabulary come before it");
    edit.set_data("vocab_remapping", false);
  }
};

struct SetCurriculumAlpha final : Scheduled {
  static constexpr Effects effects = kControlsData;
  double value = 0;
  static void schema(Schema<SetCurriculumAlpha>& s) {
    s.param("value", &SetCurriculumAlpha::value, "share of the uniform distribution in the tokens that batches aim at")
        .required()
        .range(0, 1);
  }
  void plan(const TrainingView&, ModelEdit& edit) override { edit.set_data("curriculum_alpha", value); }
};

void setup(Registrar& r) {
  r.operation<ResizeVocabulary>("resize_vocabulary", "adds tokens to the vocabulary");
  r.operation<DisableVocabRemapping>("disable_vocab_remapping", "the data shows its own token numbers again");
  r.operation<SetCurriculumAlpha>("set_curriculum_alpha", "changes which tokens the data prefers to show");
}

}  // namespace

GPTCORE_PLUGIN("vocabulary", GPTCORE_VERSION, setup)
