// Operations on low-rank adapters.
#include <algorithm>

#include "../argument.h"
#include "../scheduled.h"
#include "gptcore/draft/layer_names.h"
#include "gptcore/plugin.h"
#include "ranks.h"

namespace {

using namespace gptcore;
using namespace gptcore::operations;

constexpr int64_t kLargestRank = 65536;
constexpr char kAttention[] = "blocks.*.attn.qkv";
constexpr char kEmbedding[] = "wte";

void warn(Host* host, const std::string& text) {
  if (host) host->log(Level::warning, text);
}

void warn_none(Host* host, const std::string& item) {
  warn(host, "no layer has an adapter '" + item + "', so nothing changes");
}

// Gives all layers of a kind one rank.
template <const char* kLayers> struct SetRank final : Scheduled, RankOptions {
  static constexpr Effects effects = kAdapts | kFreezes;
  int64_t value = 0;
  std::string layers = kLayers;
  static void schema(Schema<SetRank>& s) {
    s.param("value", &SetRank::value, "the rank; 0 merges the adapters and takes them away").required().range(0, kLargestRank);
    s.param("layers", &SetRank::layers, "path of the layers, * stands for any text");
    rank_params(s);
  }
  void open(const OperationContext& context) override { check_rank(*context.model, adapted_pattern(layers), value); }
  void plan(const TrainingView&, ModelEdit& edit) override { plan_rank(edit, adapted_pattern(layers), value, *this); }
};

struct SetLayerLoraRank final : Scheduled, RankOptions {
  static constexpr Effects effects = kAdapts | kFreezes;
  Value value;
  std::string layer;
  std::optional<int64_t> rank;
  static void schema(Schema<SetLayerLoraRank>& s) {
    s.param("value", &SetLayerLoraRank::value, "[layer, rank]");
    s.param("layer", &SetLayerLoraRank::layer, "path or short name; attn.3 stands for blocks.3.attn.qkv");
    s.param("rank", &SetLayerLoraRank::rank, "0 merges the adapter and takes it away").range(0, kLargestRank);
    rank_params(s);
    s.check([](const SetLayerLoraRank& o, Problems& found) { check_argument(found, "value", [&] { o.argument(); }); });
  }
  void open(const OperationContext& context) override {
    const auto [pattern, wanted] = argument();
    check_rank(*context.model, pattern, wanted);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    const auto [pattern, wanted] = argument();
    plan_rank(edit, pattern, wanted, *this);
  }

  std::pair<std::string, int64_t> argument() const {
    if (value.empty()) {
      if (layer.empty() || !rank) throw Error(Code::missing_key, "there is no argument", "give value, or layer and rank");
      return {adapted_pattern(layer), *rank};
    }
    if (!layer.empty() || rank) throw Error(Code::conflict, "there are two arguments", "give value, or layer and rank");
    const List list = value.is<List>() ? value.as<List>() : List();
    if (list.size() != 2 || !list[0].is<std::string>() || list[0].as<std::string>().empty() || !list[1].is<int64_t>() ||
        list[1].as<int64_t>() < 0 || list[1].as<int64_t>() > kLargestRank)
      refuse_value("[layer, rank] as [\"attn.0\", 8]", value);
    return {adapted_pattern(list[0].as<std::string>()), list[1].as<int64_t>()};
  }
};

// rank = width // divisor, and the divisor is divided by `value`. The divisor now is width / rank.
template <const char* kLayers> struct DecreaseScaling final : Scheduled, RankOptions {
  static constexpr Effects effects = kAdapts | kFreezes;
  double value = 1;
  double divisor = 0;
  std::string layers = kLayers;
  static void schema(Schema<DecreaseScaling>& s) {
    s.param("value", &DecreaseScaling::value, "what the divisor is divided by: 2 doubles the rank").required().above(0);
    s.param("divisor", &DecreaseScaling::divisor, "the divisor now, where a layer has no adapter; 0 = leave such layers alone")
        .at_least(0);
    s.param("layers", &DecreaseScaling::layers, "path of the layers, * stands for any text");
    rank_params(s);
  }
  void open(const OperationContext& context) override {
    host = context.host;
    check_rank(*context.model, adapted_pattern(layers), 0);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    const std::string pattern = adapted_pattern(layers);
    const std::vector<AdapterInfo> now = adapters_on(edit.model(), pattern, adapter);
    const auto width = static_cast<double>(columns_of(edit.model(), layers_named(edit.model().layers(), pattern).front().path));
    const double old = now.empty() ? divisor : width / number_of(now.front(), "rank").value_or(width);
    if (old == 0) return warn_none(host, adapter);
    constexpr double kRounding = 1e-9;  // of width / (width / rank)
    plan_rank(edit, pattern, static_cast<int64_t>(std::min(width * value / old + kRounding, 1e9)), *this);
  }

  Host* host = nullptr;
};

struct ChangeLoraAlpha final : Scheduled {
  static constexpr Effects effects = kAdapts;
  double value = 1;
  std::string adapter = "lora", layers = "*";
  static void schema(Schema<ChangeLoraAlpha>& s) {
    s.param("value", &ChangeLoraAlpha::value, "what alpha is multiplied by").required().above(0);
    s.param("adapter", &ChangeLoraAlpha::adapter, "the adapter item");
    s.param("layers", &ChangeLoraAlpha::layers, "path of the layers, * stands for any text");
  }
  void open(const OperationContext& context) override {
    host = context.host;
    layers_of_any_block(context.model->layers(), layers);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    const std::vector<AdapterInfo> all = adapters_on(edit.model(), layers, adapter);
    if (all.empty()) warn_none(host, adapter);
    for (const AdapterInfo& a : all) {
      const auto alpha = number_of(a, "alpha");
      if (!alpha) throw Error(Code::conflict, "the adapter of '" + a.layer + "' has no alpha", "name an adapter that has");
      edit.set_adapter(a.layer, adapter, {{"alpha", *alpha * value}}, /*train_base=*/true);
    }
  }

  Host* host = nullptr;
};

struct MergeLoraWeights final : Scheduled {
  static constexpr Effects effects = kAdapts | kFreezes;
  Value value;
  std::string adapter = "lora", layers = "*";
  bool drop = false, unfreeze = true;
  double tolerance = 1e-4;
  static void schema(Schema<MergeLoraWeights>& s) {
    s.param("value", &MergeLoraWeights::value, "not used; lists of operations have it");
    s.param("adapter", &MergeLoraWeights::adapter, "the adapter item");
    s.param("layers", &MergeLoraWeights::layers, "path of the layers, * stands for any text");
    s.param("drop", &MergeLoraWeights::drop, "take the adapters away; false: they start anew");
    s.param("unfreeze", &MergeLoraWeights::unfreeze, "with drop: train the layers' own parameters again");
    s.param("tolerance", &MergeLoraWeights::tolerance, "how far a logit may move when no embedding is merged").at_least(0);
  }
  void open(const OperationContext& context) override {
    host = context.host;
    layers_of_any_block(context.model->layers(), layers);
  }
  void plan(const TrainingView&, ModelEdit& edit) override {
    const std::vector<AdapterInfo> all = adapters_on(edit.model(), layers, adapter);
    if (all.empty()) warn_none(host, adapter);
    bool any = false, same = true;
    for (const AdapterInfo& a : all) {
      if (!drop && replaces_layer(a)) {
        warn(host, "the adapter of '" + a.layer + "' stands in the layer's place, so it is not merged");
        continue;
      }
      edit.merge_adapter(a.layer, drop);
      if (drop && unfreeze) edit.unfreeze(a.layer);
      any = true;
      same = same && !is_embedding(edit.model(), a.layer);  // its weight is also the head's
    }
    if (any && same) edit.expect_same_function(tolerance);
  }

  Host* host = nullptr;
};

void setup(Registrar& r) {
  r.operation<SetRank<kAttention>>("set_attn_lora_rank", "sets the rank of the attentions' adapters");
  r.operation<SetRank<kAttention>>("resize_lora_rank", "another name of set_attn_lora_rank");
  r.operation<SetRank<kEmbedding>>("set_embedding_lora_rank", "sets the rank of the token embedding's adapter");
  r.operation<SetLayerLoraRank>("set_layer_lora_rank", "sets the rank of the adapters of a layer");
  r.operation<DecreaseScaling<kAttention>>("decrease_attn_lora_scaling", "multiplies the rank of the attentions' adapters");
  r.operation<DecreaseScaling<kEmbedding>>("decrease_vocab_lora_scaling", "multiplies the rank of the embedding's adapter");
  r.operation<ChangeLoraAlpha>("change_lora_alpha", "multiplies the alpha of adapters");
  r.operation<MergeLoraWeights>("merge_lora_weights", "adds adapters to the weights, and starts them anew (ReLoRA)");
}

}  // namespace

GPTCORE_PLUGIN("adapters", GPTCORE_VERSION, setup)
