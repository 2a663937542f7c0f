// model.init_from: the model whose weights a new run starts from.
#pragma once

#include <filesystem>
#include <string>

namespace gptcore {

struct InitFrom {
  enum class Kind { hf, checkpoint } kind = Kind::hf;
  std::filesystem::path path;
};

// Parses "hf:DIR" or "ckpt:PATH". Throws Error(out_of_range) for anything else.
InitFrom parse_init_from(const std::string& text);

}  // namespace gptcore
