// A model and the adapters on its layers, as one model to train, store and inspect.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gptcore/adapter.h"
#include "gptcore/model.h"

namespace gptcore {

class Network final : public Model {
 public:
  explicit Network(std::unique_ptr<Model> model) : model_(std::move(model)) {}
  // Puts an opened adapter on its layer; its parameters become "<layer>.<item>.<name>".
  void attach(AdapterInfo info, std::shared_ptr<Adapter> adapter);
  std::vector<AdapterInfo> adapters() const;
  // Swaps contents with `other`. References to this object stay valid and see the new model.
  void swap(Network& other);

  void open(const ModelContext& context) override { model_->open(context); }
  void place(at::Device device, at::ScalarType compute) override;
  std::vector<Parameter> parameters() override;  // the model's, then each adapter's
  int64_t block_size() const override { return model_->block_size(); }
  int64_t vocab_size() const override { return model_->vocab_size(); }
  at::Tensor logits(const at::Tensor& ids) override { return model_->logits(ids); }
  at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) override { return model_->loss(ids, targets); }
  std::unique_ptr<Model> share() override { return adapters_.empty() ? model_->share() : nullptr; }
  void train(bool on) override;
  double flops_per_token() const override { return model_->flops_per_token(); }
  std::vector<Layer> layers() override { return model_->layers(); }
  void set_adapter(const std::string& path, std::shared_ptr<Adapter> adapter) override {
    model_->set_adapter(path, std::move(adapter));
  }
  void* extension(std::string_view id) override { return model_->extension(id); }

  at::Device device() const { return device_; }
  at::ScalarType compute() const { return compute_; }
  bool training() const { return training_; }

 private:
  struct Attached {
    AdapterInfo info;
    std::shared_ptr<Adapter> adapter;
  };
  std::unique_ptr<Model> model_;
  std::vector<Attached> adapters_;
  at::Device device_ = at::kCPU;
  at::ScalarType compute_ = at::kFloat;
  bool training_ = true;
};

// The view that evaluators and operations have of a network. The network must outlive it.
class NetworkView final : public ModelView {
 public:
  explicit NetworkView(Network& network) : network_(network) {}
  int64_t block_size() const override { return network_.block_size(); }
  int64_t vocab_size() const override { return network_.vocab_size(); }
  std::vector<Layer> layers() const override { return network_.layers(); }
  std::vector<ParameterInfo> parameters() const override;
  at::Tensor value(std::string_view parameter) const override;
  at::Tensor logits(const at::Tensor& ids) const override;
  at::Tensor loss(const at::Tensor& ids, const at::Tensor& targets) const override;
  std::vector<AdapterInfo> adapters() const override { return network_.adapters(); }

 private:
  Network& network_;
};

}  // namespace gptcore
