#include "core/surgery/surgery.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <numeric>

#include "core/model/gpt.h"
#include "core/model/layer_names.h"
#include "core/model/vocabulary.h"
#include "core/surgery/channels.h"
#include "gptcore/error.h"
#include "gptcore/random.h"

namespace gptcore {
namespace {

// Applies f to the value and to each defined moment.
template <class F> void each_tensor(Tissue& part, F&& f) {
  for (at::Tensor* t : {&part.value, &part.exp_avg, &part.exp_avg_sq})
    if (t->defined()) *t = f(*t);
}

void forget(Tissue& part) {
  part.exp_avg = part.exp_avg_sq = at::Tensor();
  part.updates = 0;
}

// Scales the moments as the gradient scales when a unit is split into `by` copies: m / by, v / by^2.
template <class By> void divide_moments(Tissue& part, const By& by) {
  if (!part.exp_avg.defined()) return;
  part.exp_avg = part.exp_avg / by;
  part.exp_avg_sq = part.exp_avg_sq / (by * by);
}

at::Tensor index_of(const std::vector<int64_t>& rows, const at::Tensor& like) {
  return at::tensor(rows, at::kLong).to(like.device());
}

LayerKind kind_of(const Body& body, const std::string& path) {
  for (const Layer& layer : body.layers)
    if (layer.path == path) return layer.kind;
  throw Error(Code::internal, "no layer '" + path + "'");
}

}  // namespace

Surgery::Surgery(Body body, MakeAdapter make_adapter, uint64_t key)
    : b_(std::move(body)), make_adapter_(std::move(make_adapter)), key_(key) {}

void Surgery::apply(const Edit& edit) {
  const at::NoGradGuard no_grad;
  std::visit([this](const auto& e) { apply_edit(e); }, edit);
}

uint64_t Surgery::stream(const std::string& what) const {
  return stream_key(key_, what);
}

at::Tensor Surgery::normal(const std::string& what, at::IntArrayRef shape, double std) const {
  const at::Tensor out = at::zeros(shape, at::kFloat);
  if (std > 0) init_parameters({{what, out, {std, 0}}}, key_);
  return out;
}

void Surgery::apply_edit(const SetTrainable& edit) {
  for (const std::string& name : edit.parameters) b_.parts.at(name).trainable = edit.on;
}

// Returns a parameter of a new block, initialised so that the block is the identity.
Tissue Surgery::new_part(const std::string& name, LayerKind kind, const at::Tensor& like) const {
  Tissue part;
  if (name.ends_with(".bias") || name.ends_with(".proj.weight"))
    part.value = at::zeros_like(like);
  else if (kind == LayerKind::norm)
    part.value = at::full_like(like, 1);
  else
    part.value = normal(name, like.sizes(), 0.02).to(like.device());
  return part;
}

void Surgery::apply_edit(const ArrangeBlocks& edit) {
  std::map<std::string, Tissue> parts;
  for (const auto& [name, part] : b_.parts)
    for (const std::string& now : arranged_names(name, edit.sources)) parts.emplace(now, part);
  visit_new_parameters(b_.layers, b_.parts, edit.sources, [&](const std::string& name, LayerKind kind, const Tissue& like) {
    parts.emplace(name, new_part(name, kind, like.value));
  });
  std::vector<AdapterInfo> adapters;
  for (const AdapterInfo& a : b_.adapters)
    for (const std::string& now : arranged_names(a.layer, edit.sources)) adapters.push_back({now, a.item, a.values});
  std::vector<Layer> layers;
  for (const Layer& layer : b_.layers) {
    for (const std::string& now : arranged_names(layer.path, edit.sources))
      layers.push_back({now, layer.kind, layer.takes_adapter});
    for (const std::string& now : names_in_new_blocks(layer.path, edit.sources))
      layers.push_back({now, layer.kind, layer.takes_adapter});
  }
  b_.parts = std::move(parts);
  b_.adapters = std::move(adapters);
  b_.layers = std::move(layers);
  put(b_.keys, "n_layer", static_cast<int64_t>(edit.sources.size()));
}

void Surgery::apply_edit(const WidenMlp& edit) {
  for (const Layer& layer : std::vector<Layer>(b_.layers)) {
    if (layer.kind != LayerKind::block) continue;
    Tissue &in = b_.parts.at(layer.path + ".mlp.fc.weight"), &out = b_.parts.at(layer.path + ".mlp.proj.weight");
    const int64_t H = in.value.size(0), C = in.value.size(1);
    std::vector<int64_t> units, copies(static_cast<size_t>(H), 1);
    for (int64_t j = 0; j < H; ++j) units.push_back(j);
    const uint64_t drawn = stream("widen " + layer.path);
    for (int64_t j = H; j < edit.hidden; ++j) {
      units.push_back(static_cast<int64_t>(random_bits(drawn, static_cast<uint64_t>(j)) % static_cast<uint64_t>(H)));
      ++copies[static_cast<size_t>(units.back())];
    }
    const at::Tensor from = index_of(units, in.value);
    const at::Tensor k = index_of(copies, in.value).to(at::kFloat).index_select(0, from);  // (hidden)
    const auto widen_incoming = [&](Tissue& part) {
      each_tensor(part, [&](const at::Tensor& t) { return t.index_select(0, from); });
      divide_moments(part, part.value.dim() == 2 ? k.unsqueeze(1) : k);
    };
    widen_incoming(in);
    if (edit.noise > 0)
      in.value.narrow(0, H, edit.hidden - H)
          .add_(normal("widen noise " + layer.path, {edit.hidden - H, C}, edit.noise).to(in.value.device()));
    if (const auto bias = b_.parts.find(layer.path + ".mlp.fc.bias"); bias != b_.parts.end()) widen_incoming(bias->second);
    each_tensor(out, [&](const at::Tensor& t) { return t.index_select(1, from); });
    out.value = out.value / k;
  }
  put(b_.keys, "n_hidden", edit.hidden);
}

Shapes Surgery::shapes() const {
  Shapes all;
  for (const auto& [name, part] : b_.parts) all[name] = part.value.sizes().vec();
  return all;
}

void Surgery::apply_edit(const WidenEmbedding& edit) {
  const Shapes before = shapes();
  const int64_t C = width_of(before), k = edit.n_embd / C;
  if (b_.heads == 0)
    throw Error(Code::model_shape, "the model has no key n_head, which widening multiplies",
                "only a GPT's embedding can be widened");
  for (auto& [name, part] : b_.parts) {
    const Channels channels = channels_of(name, has_tied_head(before)).value();
    const auto copied = [&](std::optional<size_t> along, int64_t runs) {
      if (!along) return;
      const auto dim = static_cast<int64_t>(*along);
      each_tensor(part, [&](const at::Tensor& t) {
        const at::Tensor apart = t.unflatten(dim, {runs, 1, C});  // each run of channels k times
        std::vector<int64_t> sizes = apart.sizes().vec();
        sizes[*along + 1] = k;
        return apart.expand(sizes).flatten(dim, dim + 2);
      });
    };
    copied(channels.made, channels.runs);
    copied(channels.read, 1);
    const auto by = static_cast<double>(k);
    if (channels.made) divide_moments(part, by);
    if (!channels.read) continue;
    at::Tensor share = at::full({1}, 1 / by);
    if (edit.noise > 0 && part.value.dim() == 2) {
      const at::Tensor noise = normal("widen embedding " + name, {part.value.size(0), k, C}, edit.noise);
      share = (share + noise - noise.mean(1, true)).flatten(1);
    }
    part.value = part.value * share.to(part.value.device());
  }
  b_.heads *= k;
  put(b_.keys, "n_embd", edit.n_embd);
  put(b_.keys, "n_head", b_.heads);
  for (const auto& [name, shape] : before)
    if (name.ends_with(".mlp.fc.weight")) put(b_.keys, "n_hidden", shape.at(0));  // its default follows n_embd
}

void Surgery::apply_edit(const ResizeVocabulary& edit) {
  std::vector<int64_t> rows(static_cast<size_t>(edit.size), -1);
  std::iota(rows.begin(), rows.begin() + b_.vocab, int64_t{0});
  arrange_vocabulary(rows, {edit.source, edit.noise});
  b_.vocab = edit.size;
  put(b_.keys, "vocab_size", edit.size);
}

void Surgery::apply_edit(const ArrangeVocabulary& edit) {
  arrange_vocabulary(edit.rows, {});
}

void Surgery::arrange_vocabulary(const std::vector<int64_t>& rows, const NewRows& rule) {
  const auto embedding =
      std::find_if(b_.layers.begin(), b_.layers.end(), [](const Layer& l) { return l.kind == LayerKind::embedding; });
  if (embedding == b_.layers.end()) throw Error(Code::model_shape, "the model has no embedding to resize");
  if (adapter_on(embedding->path))
    throw Error(Code::conflict, "the embedding '" + embedding->path + "' has an adapter", "merge it first");
  const int64_t added = count_new(rows);
  const auto arrange = [&](Tissue& part, const std::string& name) {
    const auto known = [&](const at::Tensor& table) { return table.narrow(0, 0, b_.vocab); };
    part.value = arranged_rows(known(part.value), rows, new_rows(known(part.value), added, rule, name, key_));
    if (!part.exp_avg.defined()) return;
    // The updates are counted per parameter, not per row, so a second moment of 0 would make the first updates of new rows too
    // large. New rows start with the second moment of the row that they copy, or with the square of the rows' mean root.
    const at::Tensor first = known(part.exp_avg), second = known(part.exp_avg_sq);
    part.exp_avg = arranged_rows(first, rows, at::zeros({added, first.size(1)}, first.options()));
    part.exp_avg_sq = arranged_rows(second, rows, new_rows(second.sqrt(), added, {rule.source, 0}, name, key_).square());
  };
  arrange(b_.parts.at(embedding->path + ".weight"), "vocabulary");
  if (const auto head = b_.parts.find("lm_head.weight"); head != b_.parts.end()) arrange(head->second, "vocabulary of lm_head");
}

AdapterInfo* Surgery::adapter_on(const std::string& layer) {
  for (AdapterInfo& a : b_.adapters)
    if (a.layer == layer) return &a;
  return nullptr;
}

std::shared_ptr<Adapter> Surgery::revived(const AdapterInfo& info) {
  const std::shared_ptr<Adapter> adapter =
      make_adapter_(info, kind_of(b_, info.layer), b_.parts.at(info.layer + ".weight").value);
  for (const Parameter& p : adapter->parameters()) {
    at::Tensor home = p.tensor.detach();
    home.copy_(b_.parts.at(adapter_prefix(info) + p.name).value);
  }
  return adapter;
}

void Surgery::put_parameters(const AdapterInfo& info, Adapter& adapter) {
  for (const Parameter& p : adapter.parameters())
    b_.parts[adapter_prefix(info) + p.name] = Tissue{p.tensor.detach().clone(), {}, {}};
}

void Surgery::erase_parameters(const AdapterInfo& info) {
  std::erase_if(b_.parts, [prefix = adapter_prefix(info)](const auto& entry) { return entry.first.starts_with(prefix); });
}

void Surgery::apply_edit(const SetAdapter& edit) {
  if (b_.adapters.empty() && !edit.train_base)
    for (auto& [name, part] : b_.parts) part.trainable = false;
  for (size_t i = 0; i < edit.layers.size(); ++i) {
    const AdapterInfo info{edit.layers[i], edit.item, edit.values[i]};
    const at::Tensor& weight = b_.parts.at(info.layer + ".weight").value;
    const std::shared_ptr<Adapter> made = make_adapter_(info, kind_of(b_, info.layer), weight);
    AdapterInfo* const old = adapter_on(info.layer);
    if (!old) {
      std::vector<Parameter> named = made->parameters();
      for (Parameter& p : named) p.name = adapter_prefix(info) + p.name;
      init_parameters(named, key_);
      put_parameters(info, *made);
      b_.adapters.push_back(info);
      continue;
    }
    const auto fits = [&](const Parameter& p) {
      const auto found = b_.parts.find(adapter_prefix(info) + p.name);
      return found != b_.parts.end() && found->second.value.sizes() == p.tensor.sizes();
    };
    const std::vector<Parameter> now = made->parameters();
    if (old->item != info.item || !std::all_of(now.begin(), now.end(), fits)) {
      made->take(revived(*old)->delta());
      erase_parameters(*old);
      put_parameters(info, *made);
    }
    *old = info;
  }
}

void Surgery::apply_edit(const MergeAdapter& edit) {
  for (const std::string& layer : edit.layers) {
    const AdapterInfo info = *adapter_on(layer);
    Tissue& weight = b_.parts.at(layer + ".weight");
    weight.value = weight.value + revived(info)->delta();
    if (edit.drop) {
      apply_edit(DropAdapter{{layer}});
      continue;
    }
    std::vector<Parameter> anew;
    for (auto& [name, part] : b_.parts)
      if (name.starts_with(adapter_prefix(info))) forget(part);
    const std::shared_ptr<Adapter> fresh = make_adapter_(info, kind_of(b_, layer), weight.value);
    anew = fresh->parameters();
    for (Parameter& p : anew) p.name = adapter_prefix(info) + p.name;
    init_parameters(anew, key_);
    // An adapter that stands in for the weight adds something at its start, too.
    if (fresh->delta().abs().max().item<double>() > 0) fresh->take(at::zeros_like(weight.value));
    for (const Parameter& p : anew) b_.parts.at(p.name).value = p.tensor.detach();
  }
}

void Surgery::apply_edit(const DropAdapter& edit) {
  for (const std::string& layer : edit.layers) {
    erase_parameters(*adapter_on(layer));
    std::erase_if(b_.adapters, [&](const AdapterInfo& a) { return a.layer == layer; });
  }
}

void Surgery::apply_edit(const Replace& edit) {
  Tissue& part = b_.parts.at(edit.parameter);
  part.value = edit.values.to(part.value.device());
  if (edit.moments == Moments::zeroed) forget(part);
}

}  // namespace gptcore
