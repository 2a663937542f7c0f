// Sets, changes and removes the ranks of low-rank adapters on layers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gptcore/operation.h"
#include "gptcore/schema.h"

namespace gptcore::operations {

// The further parameters of operations that set ranks. The adapter's item has parameters `rank` and `alpha`.
struct RankOptions {
  std::string adapter = "lora";
  std::optional<double> alpha;     // absent: unchanged, for a new adapter the item's default
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

// Returns the pattern of the layers that get adapters: a name `attn.N`, a block's attention, stands for its attn.qkv.
std::string adapted_pattern(const std::string& name);

// Throws Error when no layer that takes an adapter can match, or `rank` is above the smaller dimension of one that matches now.
void check_rank(const ModelView& model, const std::string& pattern, int64_t rank);

// Rank 0 merges the adapters and drops them. A new adapter adds zero; an adapter of another rank takes over what the old one
// added, which is exact when the rank grows. Exact changes call expect_same_function().
void plan_rank(ModelEdit& edit, const std::string& pattern, int64_t rank, const RankOptions& options);

// Returns the adapters of that item on the layers that match.
std::vector<AdapterInfo> adapters_on(const ModelView& model, const std::string& pattern, const std::string& item);
// Returns a parameter of an adapter as a number, if the adapter has it.
std::optional<double> number_of(const AdapterInfo& adapter, const std::string& key);
bool replaces_layer(const AdapterInfo& adapter);
bool is_embedding(const ModelView& model, const std::string& path);
// Returns the columns of the layer's weight: the width of its input, of an embedding that of its output.
int64_t columns_of(const ModelView& model, const std::string& path);

}  // namespace gptcore::operations
