// A model and the adapters that hang on its layers, as one model: what is trained, stored and looked at.
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
  // Hangs an opened adapter of item `item` on `layer`; its parameters become "<layer>.<item>.<name>".
  void attach(const std::string& item, const std::string& layer, std::shared_ptr<Adapter> adapter);

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
  bool training() const { return training_; }

 private:
  struct Attached {
    std::string prefix;  // "blocks.0.attn.qkv.lora."
    std::shared_ptr<Adapter> adapter;
  };
  std::unique_ptr<Model> model_;
  std::vector<Attached> adapters_;
  at::Device device_ = at::kCPU;
  bool training_ = true;
};

// The layers whose path fits `pattern` (as file names fit a shell's), in the model's order.
std::vector<Layer> layers_matching(const std::vector<Layer>& layers, std::string_view pattern);

// What evaluators and operations see of a network, which outlives it.
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

 private:
  Network& network_;
};

}  // namespace gptcore
