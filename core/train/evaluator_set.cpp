#include "core/train/evaluator_set.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "core/distributed/agreement.h"

namespace gptcore {
namespace {

constexpr int64_t kMaxFailures = 3;

class Collected final : public Results {
 public:
  Collected(std::string name, EventBus& bus, int64_t step) : name_(std::move(name)), bus_(bus), step_(step) {}

  void add(std::string_view metric, double sum, double count) override {
    for (size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == metric) {
        sums_[2 * i] += sum;
        sums_[2 * i + 1] += count;
        return;
      }
    names_.emplace_back(metric);
    sums_.insert(sums_.end(), {sum, count});
  }
  void item(const Table& record) override {
    Table fields{{"evaluator", name_}};
    fields.insert(fields.end(), record.begin(), record.end());
    bus_.emit(Event::item_evaluated, step_, std::move(fields));
  }
  // [all ranks]
  bool same_metrics(ProcessGroup& group) const {
    if (group.size() == 1) return true;
    std::string names;
    for (const std::string& name : names_) names += name + '\n';
    const auto digest = static_cast<double>(std::hash<std::string>{}(names) >> 12);  // exact in a double
    const double most = largest(group, at::kCPU, digest), least = -largest(group, at::kCPU, -digest);
    return most == least;
  }
  // [all ranks]
  Table metrics(ProcessGroup& group) const {
    if (names_.empty()) return {};
    at::Tensor all = at::tensor(sums_, at::kDouble);
    group.all_reduce_sum(all);
    Table out;
    for (size_t i = 0; i < names_.size(); ++i) {
      const auto at = static_cast<int64_t>(2 * i);
      out.emplace_back(name_ + "." + names_[i], all[at].item<double>() / all[at + 1].item<double>());
    }
    return out;
  }

 private:
  std::string name_;
  EventBus& bus_;
  int64_t step_;
  std::vector<std::string> names_;
  std::vector<double> sums_;  // sum and count of each
};

// A model without the ids from `vocab_size` on. Its loss and parameters are those of the whole.
class Narrowed final : public ModelView {
 public:
  Narrowed(const ModelView& model, int64_t vocab_size) : model_(model), vocab_size_(vocab_size) {}
  int64_t block_size() const override { return model_.block_size(); }
  int64_t vocab_size() const override { return vocab_size_; }
  std::vector<Layer> layers() const override { return model_.layers(); }
  std::vector<ParameterInfo> parameters() const override { return model_.parameters(); }
  at::Tensor value(std::string_view parameter) const override { return model_.value(parameter); }
  at::Tensor logits(const at::Tensor& ids) const override { return model_.logits(ids).narrow(-1, 0, vocab_size_); }
  at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) const override { return model_.loss(ids, targets); }
  std::vector<AdapterInfo> adapters() const override { return model_.adapters(); }

 private:
  const ModelView& model_;
  int64_t vocab_size_;
};

}  // namespace

Table EvaluatorSet::run(const ModelView& model, ProcessGroup& group, EventBus& bus, Host& host, int64_t step) {
  const at::NoGradGuard no_grad;
  const int64_t whole = model.vocab_size();
  const Narrowed shown(model, vocab_size_ > 0 ? std::min(vocab_size_, whole) : whole);
  Table all;
  for (Entry& e : entries_) {
    if (e.failures >= kMaxFailures) continue;
    Collected results(e.name, bus, step);
    std::optional<Error> failure;
    try {
      e.evaluator->evaluate(shown, results);
    } catch (const std::exception& own) {
      failure.emplace(Code::plugin_failed, own.what());
    }
    failure = failure_of_any(group, at::kCPU, failure);
    if (!failure && !results.same_metrics(group))
      failure.emplace(Code::plugin_failed, "it measures other metrics on each rank");
    if (!failure) {
      for (auto& metric : results.metrics(group)) all.push_back(std::move(metric));
      e.failures = 0;
    } else {
      ++e.failures;
      host.log(Level::warning, "evaluator '" + e.name + "' failed" +
                                   (e.failures == kMaxFailures ? " three times in a row and is switched off" : "") + ": " +
                                   failure->what());
    }
  }
  return all;
}

void EvaluatorSet::model_changed(const std::string& operation, Host& host) {
  for (Entry& e : entries_)
    if (std::exchange(e.failures, 0) >= kMaxFailures)
      host.log(Level::info, "evaluator '" + e.name + "' is on again: operation '" + operation + "' has changed the model");
}

std::map<std::string, int64_t> EvaluatorSet::failures() const {
  std::map<std::string, int64_t> all;
  for (const Entry& e : entries_)
    if (e.failures > 0) all[e.identity] = e.failures;
  return all;
}

void EvaluatorSet::load(const std::map<std::string, int64_t>& failures, Host& host) {
  for (Entry& e : entries_) {
    const auto found = failures.find(e.identity);
    const int64_t before = std::exchange(e.failures, found == failures.end() ? 0 : found->second);
    if (e.failures >= kMaxFailures && before < kMaxFailures)
      host.log(Level::warning, "evaluator '" + e.name +
                                   "' stays switched off, as it failed three times in a row; it is on again when an "
                                   "operation changes the model, or when an argument of its table changes");
  }
}

}  // namespace gptcore
