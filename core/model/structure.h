// How a model differs from what its pipeline describes: what operations have made of it. Stored in checkpoints.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gptcore/model.h"

namespace gptcore {

struct Structure {
  Table keys;                                        // of [model], changed: n_layer, n_embd, vocab_size ...
  std::optional<std::vector<AdapterInfo>> adapters;  // absent: the pipeline's
  std::map<std::string, bool> trainable;             // by parameter; absent: the pipeline's
};

// What the names of an adapter's parameters begin with: "blocks.0.attn.qkv.lora.".
std::string adapter_prefix(const AdapterInfo& adapter);

// Sets a key of `table`, replacing an earlier value.
void put(Table& table, const std::string& key, Value value);
void put_all(Table& table, const Table& values);

}  // namespace gptcore
