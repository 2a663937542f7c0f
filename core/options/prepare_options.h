// The keys of a prepare stage, which are the options of `gptcore prepare`. No LibTorch here.
#pragma once

#include <cstdint>
#include <string>

#include "gptcore/schema.h"

namespace gptcore {

struct PrepareOptions {
  std::string out;  // "" = data/<run.name> under the current folder
  std::string format = "gptcore";
  int64_t tokens_per_shard = 100'000'000;
  int64_t threads = 0;
  bool verify = false;

  static void schema(Schema<PrepareOptions>& s) {
    s.param("out", &PrepareOptions::out, "folder for the tokens; \"\" = data/<run.name> under the current folder").path();
    s.param("format", &PrepareOptions::format, "layout of the files")
        .choice("gptcore", "shards with a list of documents, for use = \"prepared\"")
        .choice("nanogpt", "train.bin and val.bin, for use = \"token_bin\"")
        .choice("llmc", "llm.c's shards, for use = \"token_bin\"")
        .choice("npy", "numpy's shards, for use = \"npy_shards\"");
    s.param("tokens_per_shard", &PrepareOptions::tokens_per_shard, "size of a shard; nanogpt has one per split").range(1, 1e12);
    s.param("threads", &PrepareOptions::threads, "threads that tokenize; 0 = all that this process may use").range(0, 1024);
    s.param("verify", &PrepareOptions::verify,
            "compare a complete folder by hash, not only by size, and write damaged files again");
  }
};

}  // namespace gptcore
