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
  // All outlive this.
  ModelMaker(const PluginSet& plugins, Host& host, at::Device device, at::ScalarType compute)
      : plugins_(plugins), host_(host), device_(device), compute_(compute) {}
  void use(const PipelineConfig& config);
  // The values of [model] with these changes.
  Table keys(const Structure& structure) const { return changed(structure).values; }

  // Knows its block_size; not open.
  std::unique_ptr<Network> unopened(const Structure& structure) const;
  // Opens it and hangs its adapters on their layers; parameters are allocated on the device, not yet set, and require
  // gradients or not as the structure or the pipeline says.
  void open(Network& network, const Structure& structure, int64_t data_vocab_size) const;
  // An opened adapter, its parameters not yet set.
  std::shared_ptr<Adapter> adapter(const AdapterInfo& info, LayerKind kind, const at::Tensor& weight) const;
  // Values of an adapter item with defaults filled in. Throws Error naming the key that is wrong.
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
