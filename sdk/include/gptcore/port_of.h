// An author's object behind its kind's port: each method runs under guard(), in the author's library. Authors do not use this
// file.
#pragma once

#include "gptcore/port.h"

namespace gptcore::detail {

template <class T> void* extension_of(T& item, std::string_view id) noexcept {
  void* found = nullptr;
  guard([&] { found = item.extension(id); });
  return found;
}

template <class T> class TokenizerPortOf final : public TokenizerPort {
 public:
  explicit TokenizerPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(Host& host) noexcept override {
    return guard([&] { item_.open(host); });
  }
  Status ready(bool& out) const noexcept override {
    return guard([&] { out = item_.ready(); });
  }
  Status learn(std::string_view corpus) noexcept override {
    return guard([&] { item_.learn(corpus); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_.vocab_size(); });
  }
  Status encode(std::string_view text, std::vector<int32_t>& out) const noexcept override {
    return guard([&] { out = item_.encode(text); });
  }
  Status decode(std::span<const int32_t> ids, std::string& out) const noexcept override {
    return guard([&] { out = item_.decode(ids); });
  }
  Status special(std::string_view name, std::optional<int32_t>& out) const noexcept override {
    return guard([&] { out = item_.special(name); });
  }

 private:
  T item_;
};

template <class T> class DatasetPortOf final : public DatasetPort {
 public:
  explicit DatasetPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const DatasetContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_.vocab_size(); });
  }
  Status tokens(Split split, int64_t& out) const noexcept override {
    return guard([&] { out = item_.tokens(split); });
  }
  Status windows(Split split, int64_t& out) const noexcept override {
    return guard([&] { out = item_.windows(split); });
  }
  Status batch(const BatchRequest& request, Batch& out) noexcept override {
    return guard([&] { item_.batch(request, out); });
  }
  Status fingerprint(std::string& out) const noexcept override {
    return guard([&] { out = item_.fingerprint(); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }
  Status set(std::string_view key, const Value& value) noexcept override {
    return guard([&] { item_.set(key, value); });
  }

 private:
  T item_;
};

template <class T> class LoggerPortOf final : public LoggerPort {
 public:
  explicit LoggerPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const LoggerContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status record(const Record& record) noexcept override {
    return guard([&] { item_.record(record); });
  }
  Status close() noexcept override {
    return guard([&] { item_.close(); });
  }
  Status sink(std::string& out) const noexcept override {
    return guard([&] { out = item_.sink(); });
  }

 private:
  T item_;
};

// Over any model, since share() makes another.
class ModelPortOver : public ModelPort {
 public:
  explicit ModelPortOver(std::unique_ptr<Model> item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(*item_, id); }
  Status open(const ModelContext& context) noexcept override {
    return guard([&] { item_->open(context); });
  }
  Status place(at::Device device, at::ScalarType compute) noexcept override {
    return guard([&] { item_->place(device, compute); });
  }
  Status parameters(std::vector<Parameter>& out) noexcept override {
    return guard([&] { out = item_->parameters(); });
  }
  Status block_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_->block_size(); });
  }
  Status vocab_size(int64_t& out) const noexcept override {
    return guard([&] { out = item_->vocab_size(); });
  }
  Status logits(const at::Tensor& ids, at::Tensor& out) noexcept override {
    return guard([&] { out = item_->logits(ids); });
  }
  Status loss(const at::Tensor& ids, const at::Tensor& targets, at::Tensor& out) noexcept override {
    return guard([&] { out = item_->loss(ids, targets); });
  }
  Status share(ModelPort*& out) noexcept override {
    return guard([&] {
      std::unique_ptr<Model> second = item_->share();
      out = second ? new ModelPortOver(std::move(second)) : nullptr;
    });
  }
  Status train(bool on) noexcept override {
    return guard([&] { item_->train(on); });
  }
  Status flops_per_token(double& out) const noexcept override {
    return guard([&] { out = item_->flops_per_token(); });
  }
  Status layers(std::vector<Layer>& out) noexcept override {
    return guard([&] { out = item_->layers(); });
  }
  Status set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) noexcept override {
    return guard([&] { item_->set_adapter(path, std::move(adapter)); });
  }

 private:
  std::unique_ptr<Model> item_;
};

template <class T> class ModelPortOf final : public ModelPortOver {
 public:
  explicit ModelPortOf(T item) : ModelPortOver(std::make_unique<T>(std::move(item))) {}
};

template <class T> class AdapterPortOf final : public AdapterPort {
 public:
  explicit AdapterPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const AdapterContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status parameters(std::vector<Parameter>& out) noexcept override {
    return guard([&] { out = item_.parameters(); });
  }
  Status forward(const at::Tensor& input, at::Tensor& out) noexcept override {
    return guard([&] { out = item_.forward(input); });
  }
  Status delta(at::Tensor& out) noexcept override {
    return guard([&] { out = item_.delta(); });
  }
  Status take(const at::Tensor& delta) noexcept override {
    return guard([&] { item_.take(delta); });
  }
  Status train(bool on) noexcept override {
    return guard([&] { item_.train(on); });
  }

 private:
  T item_;
};

template <class T> class OperationPortOf final : public OperationPort {
 public:
  explicit OperationPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const OperationContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status plan(const TrainingView& now, ModelEdit& edit) noexcept override {
    return guard([&] { item_.plan(now, edit); });
  }
  Status save(std::string& out) const noexcept override {
    return guard([&] { out = item_.save(); });
  }
  Status load(std::string_view saved) noexcept override {
    return guard([&] { item_.load(saved); });
  }

 private:
  T item_;
};

template <class T> class EvaluatorPortOf final : public EvaluatorPort {
 public:
  explicit EvaluatorPortOf(T item) : item_(std::move(item)) {}
  void* extension(std::string_view id) noexcept override { return extension_of(item_, id); }
  Status open(const EvaluatorContext& context) noexcept override {
    return guard([&] { item_.open(context); });
  }
  Status evaluate(const ModelView& model, Results& results) noexcept override {
    return guard([&] { item_.evaluate(model, results); });
  }

 private:
  T item_;
};

}  // namespace gptcore::detail
