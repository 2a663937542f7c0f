#include "core/model/network.h"

#include <ATen/core/grad_mode.h>
#include <fnmatch.h>

#include <utility>

#include "gptcore/error.h"

namespace gptcore {
namespace {

// Dropout off and no graph for its lifetime.
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

void Network::attach(const std::string& item, const std::string& layer, std::shared_ptr<Adapter> adapter) {
  model_->set_adapter(layer, adapter);
  adapters_.push_back({layer + "." + item + ".", std::move(adapter)});
}

void Network::place(at::Device device, at::ScalarType compute) {
  device_ = device;
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
    for (Parameter& p : attached.adapter->parameters()) all.push_back({attached.prefix + p.name, p.tensor, p.init});
  return all;
}

void Network::train(bool on) {
  training_ = on;
  model_->train(on);
  for (const Attached& attached : adapters_) attached.adapter->train(on);
}

std::vector<Layer> layers_matching(const std::vector<Layer>& layers, std::string_view pattern) {
  const std::string text(pattern);
  std::vector<Layer> found;
  for (const Layer& layer : layers)
    if (::fnmatch(text.c_str(), layer.path.c_str(), 0) == 0) found.push_back(layer);
  return found;
}

std::vector<ParameterInfo> NetworkView::parameters() const {
  std::vector<ParameterInfo> all;
  for (const Parameter& p : network_.parameters()) all.push_back({p.name, p.tensor.sizes().vec(), p.tensor.requires_grad()});
  return all;
}

at::Tensor NetworkView::value(std::string_view parameter) const {
  for (const Parameter& p : network_.parameters())
    if (p.name == parameter) return p.tensor.detach();
  throw Error(Code::unknown_name, "the model has no parameter '" + std::string(parameter) + "'",
              "gptcore summary lists them");
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
