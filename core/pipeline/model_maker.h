// Makes a pipeline's model, as the file describes it or as operations have changed it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config/pipeline_config.h"
#include "core/model/network.h"
#include "core/model/structure.h"
#include "core/plugin/loader.h"

namespace gptcore {

class ModelMaker {
 public:
  // The arguments outlive this object.
  ModelMaker(const PluginSet& plugins, Host& host, at::Device device, at::ScalarType compute)
      : plugins_(plugins), host_(host), device_(device), compute_(compute) {}
  // Sets the pipeline whose [model] and [[adapter]] tables describe the models to make.
  void use(const PipelineConfig& config);
  // Returns the values of [model] with the structure's changes.
  Table keys(const Structure& structure) const { return changed(structure).values; }

  // Returns a network that knows its block_size and is not open.
  std::unique_ptr<Network> unopened(const Structure& structure) const;
  // Opens the network and puts its adapters on their layers. Parameters are allocated on the device and not yet set. The
  // structure or the pipeline says which of them require gradients.
  void open(Network& network, const Structure& structure, int64_t data_vocab_size) const;
  // Returns an opened adapter whose parameters are not yet set.
  std::shared_ptr<Adapter> adapter(const AdapterInfo& info, LayerKind kind, const at::Tensor& weight) const;
  // Returns the values of an adapter item with defaults filled in. Throws Error, which names the invalid key.
  Table adapter_values(const std::string& item, const Table& values) const;

 private:
  Section changed(const Structure& structure) const;
  void attach(Network& network, const AdapterInfo& info, LayerKind kind) const;
  void attach_configured(Network& network) const;

  const PluginSet& plugins_;
  Host& host_;
  at::Device device_;
  at::ScalarType compute_;
  Section model_;
  std::vector<Section> adapters_;
};

}  // namespace gptcore
