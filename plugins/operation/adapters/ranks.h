// The ranks of the low-rank adapters on layers: how they are given, changed and taken away.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gptcore/operation.h"
#include "gptcore/schema.h"

namespace gptcore::operations {

// What every operation that gives ranks may be told besides. The adapter's item has parameters `rank` and `alpha`.
struct RankOptions {
  std::string adapter = "lora";
  std::optional<double> alpha;     // absent: as it is, of a new adapter the item's default
  std::string freeze = "adapted";  // adapted | all | nothing
  double tolerance = 1e-4;
};

template <class T> void rank_params(Schema<T>& s) {
  s.template param<std::string>("adapter", &RankOptions::adapter, "the adapter item that is put on the layers");
  s.template param<std::optional<double>>("alpha", &RankOptions::alpha, "its alpha; absent: as it is").above(0);
  s.template param<std::string>("freeze", &RankOptions::freeze, "what is no longer trained when a layer gets an adapter")
      .choice("adapted", "the layer's own parameters; they are trained again at rank 0")
      .choice("all", "every parameter that is no adapter's, when the model gets its first adapter")
      .choice("nothing");
  s.template param<double>("tolerance", &RankOptions::tolerance,
                           "how far a logit may move where the model should stay the same")
      .at_least(0);
}

// Adapters are put where `attn` names a block's attention: on attn.qkv.
std::string adapted_pattern(const std::string& name);

// Throws Error where no layer that takes an adapter can fit, or `rank` is above the smaller dimension of one that fits now.
void check_rank(const ModelView& model, const std::string& pattern, int64_t rank);

// Rank 0 merges the adapters and takes them away. A new adapter adds zero; one of another rank takes over what the old one
// added, which is exact when the rank grows. Exact changes are claimed by expect_same_function.
void plan_rank(ModelEdit& edit, const std::string& pattern, int64_t rank, const RankOptions& options);

// The adapters of that item on the layers that fit.
std::vector<AdapterInfo> adapters_on(const ModelView& model, const std::string& pattern, const std::string& item);
// A parameter of an adapter as a number, if it has one of that name.
std::optional<double> number_of(const AdapterInfo& adapter, const std::string& key);
bool replaces_layer(const AdapterInfo& adapter);
bool is_embedding(const ModelView& model, const std::string& path);
// Columns of the layer's weight: the width of its input, of an embedding that of its output.
int64_t columns_of(const ModelView& model, const std::string& path);

}  // namespace gptcore::operations
