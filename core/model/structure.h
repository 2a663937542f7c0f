// The differences that operations have made between a model and its pipeline's description. Checkpoints store them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

inline bool operator==(const AdapterInfo& a, const AdapterInfo& b) {
  return a.layer == b.layer && a.item == b.item && a.values == b.values;
}

struct Structure {
  Table keys;                                        // changed keys of [model]: n_layer, n_embd, vocab_size ...
  std::optional<std::vector<AdapterInfo>> adapters;  // absent: the pipeline's
  std::map<std::string, bool> trainable;             // by parameter; absent: the pipeline's
  bool operator==(const Structure&) const = default;
};

// Returns the prefix of an adapter's parameter names: "blocks.0.attn.qkv.lora.".
std::string adapter_prefix(const AdapterInfo& adapter);

// Sets a key of `table`, replacing an earlier value.
void put(Table& table, const std::string& key, Value value);
void put_all(Table& table, const Table& values);

}  // namespace gptcore
