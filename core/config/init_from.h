// model.init_from: the model whose weights a new run starts from.
#pragma once

#include <filesystem>
#include <string>

#include "gptcore/value.h"

namespace gptcore {

struct InitFrom {
  enum class Kind { hf, checkpoint } kind = Kind::hf;
  std::filesystem::path path;
};

// Of "hf:DIR" or "ckpt:PATH". Throws Error(out_of_range) for anything else.
InitFrom parse_init_from(const std::string& text);

// The keys of [model] that it fixes. Throws Error at the file that is missing, damaged or of another model.
Table values_of(const InitFrom& from);

// The name of the tokenizer that a checkpoint's run had; "" where it had none or nothing tells it, and for a folder of Hugging
// Face.
std::string tokenizer_of(const InitFrom& from);

// The checkpoint folder that a run's or a checkpoint's path stands for, as open_checkpoint would choose it, without reading
// its files. Throws Error(checkpoint_missing).
std::filesystem::path newest_checkpoint(const std::filesystem::path& path);

}  // namespace gptcore
