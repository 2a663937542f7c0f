#include "core/model/network.h"

#include <ATen/core/grad_mode.h>

#include <utility>

#include "core/model/structure.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

// Switches dropout and the autograd graph off for its lifetime.
class Looking {
 public:
  explicit Looking(Network& network) : network_(network), training_(network.training()) {
    if (training_) network_.train(false);
  }
  ~Looking() {
    if (training_) network_.train(true);
  }
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;

 private:
  at::NoGradGuard no_grad_;
  Network& network_;
  bool training_;
};

}  // namespace

void Network::attach(AdapterInfo info, std::shared_ptr<Adapter> adapter) {
  model_->set_adapter(info.layer, adapter);
  adapters_.push_back({std::move(info), std::move(adapter)});
}

std::vector<AdapterInfo> Network::adapters() const {
  std::vector<AdapterInfo> all;
  for (const Attached& attached : adapters_) all.push_back(attached.info);
  return all;
}

void Network::swap(Network& other) {
  std::swap(model_, other.model_);
  std::swap(adapters_, other.adapters_);
  std::swap(device_, other.device_);
  std::swap(compute_, other.compute_);
  train(training_);
  other.train(other.training_);
}

void Network::place(at::Device device, at::ScalarType compute) {
  device_ = device;
  compute_ = compute;
  model_->place(device, compute);
  const at::NoGradGuard no_grad;
  for (const Attached& attached : adapters_)
    for (const Parameter& p : attached.adapter->parameters()) {
      at::Tensor tensor = p.tensor;
      tensor.set_data(tensor.to(device));
    }
}

std::vector<Parameter> Network::parameters() {
  std::vector<Parameter> all = model_->parameters();
  for (const Attached& attached : adapters_)
    for (Parameter& p : attached.adapter->parameters())
      all.push_back({adapter_prefix(attached.info) + p.name, p.tensor, p.init});
  return all;
}

void Network::train(bool on) {
  training_ = on;
  model_->train(on);
  for (const Attached& attached : adapters_) attached.adapter->train(on);
}

std::vector<ParameterInfo> NetworkView::parameters() const {
  std::vector<ParameterInfo> all;
  for (const Parameter& p : network_.parameters()) all.push_back({p.name, p.tensor.sizes().vec(), p.tensor.requires_grad()});
  return all;
}

at::Tensor NetworkView::value(std::string_view parameter) const {
  for (const Parameter& p : network_.parameters())
    if (p.name == parameter) return p.tensor.detach();
  throw Error(Code::unknown_name, "the model has no parameter '" + std::string(parameter) + "'", "gptcore summary lists them");
}

at::Tensor NetworkView::logits(const at::Tensor& ids) const {
  const Looking looking(network_);
  return network_.logits(ids.to(network_.device()));
}

at::Tensor NetworkView::loss(const at::Tensor& ids, const at::Tensor& targets) const {
  const Looking looking(network_);
  return network_.loss(ids.to(network_.device()), targets.to(network_.device()));
}

}  // namespace gptcore
