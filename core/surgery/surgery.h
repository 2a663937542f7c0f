// Applies edits to a copy of the tensors: parameters and AdamW moments by name, each through the same index map. The running
// model does not change before the result is put into a new one.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model/network.h"
#include "core/model/structure.h"
#include "core/model/vocabulary.h"
#include "core/surgery/channels.h"
#include "core/surgery/edits.h"

namespace gptcore {

// One parameter and its moments, which are undefined when it has none yet.
struct Tissue {
  at::Tensor value, exp_avg, exp_avg_sq;
  bool trainable = true;
  int64_t updates = 0;  // updates behind its moments
};

// Makes an opened and placed adapter for a layer of this weight; its parameters are not set.
using MakeAdapter = std::function<std::shared_ptr<Adapter>(const AdapterInfo&, LayerKind, const at::Tensor& weight)>;

struct Body {
  std::map<std::string, Tissue> parts;  // by parameter
  std::vector<Layer> layers;
  std::vector<AdapterInfo> adapters;
  Table keys;  // changed keys of [model]
  int64_t vocab = 0;
  int64_t heads = 0;  // of the key n_head; 0 = the model has no such key
};

class Surgery {
 public:
  // `key` names the stream of all random numbers.
  Surgery(Body body, MakeAdapter make_adapter, uint64_t key);
  // Throws Error and leaves the body unusable when the edit does not fit.
  void apply(const Edit& edit);
  const Body& body() const { return b_; }

 private:
  void apply_edit(const SetTrainable& edit);
  void apply_edit(const ArrangeBlocks& edit);
  void apply_edit(const WidenMlp& edit);
  void apply_edit(const WidenEmbedding& edit);
  void apply_edit(const ResizeVocabulary& edit);
  void apply_edit(const ArrangeVocabulary& edit);
  // Gives embedding and head the rows of arranged_rows(), with new rows from new_rows() by `rule`.
  void arrange_vocabulary(const std::vector<int64_t>& rows, const NewRows& rule);
  void apply_edit(const SetAdapter& edit);
  void apply_edit(const MergeAdapter& edit);
  void apply_edit(const DropAdapter& edit);
  void apply_edit(const Replace& edit);
  void apply_edit(const SetData&) {}

  AdapterInfo* adapter_on(const std::string& layer);
  // Returns the adapter with the parameters that the body has for it.
  std::shared_ptr<Adapter> revived(const AdapterInfo& info);
  void put_parameters(const AdapterInfo& info, Adapter& adapter);
  void erase_parameters(const AdapterInfo& info);
  Shapes shapes() const;
  Tissue new_part(const std::string& name, LayerKind kind, const at::Tensor& like) const;
  at::Tensor normal(const std::string& what, at::IntArrayRef shape, double std) const;
  uint64_t stream(const std::string& what) const;

  Body b_;
  MakeAdapter make_adapter_;
  uint64_t key_;
};

}  // namespace gptcore
