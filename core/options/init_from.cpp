#include "core/options/init_from.h"

#include "gptcore/error.h"
#include "gptcore/value.h"

namespace gptcore {
namespace {

constexpr std::string_view kHf = "hf:", kCheckpoint = "ckpt:";

}  // namespace

InitFrom parse_init_from(const std::string& text) {
  if (text.starts_with(kHf) && text.size() > kHf.size()) return {InitFrom::Kind::hf, text.substr(kHf.size())};
  if (text.starts_with(kCheckpoint) && text.size() > kCheckpoint.size())
    return {InitFrom::Kind::checkpoint, text.substr(kCheckpoint.size())};
  std::string hint = "hf:DIR is a Hugging Face folder, ckpt:PATH a run or checkpoint of gptcore";
  if (std::error_code none; std::filesystem::exists(text, none)) hint = "write hf:" + text + " or ckpt:" + text + ": " + hint;
  if (text == "scratch") hint = "leave it out to start from random weights; where a run exists already, give --resume never";
  if (text == "resume") hint = "leave it out: a run that was stopped continues by itself; --resume PATH continues another one";
  if (text.starts_with("gpt2")) hint = "download " + text + " from Hugging Face and write hf: and its folder";
  throw Error(Code::out_of_range, "'init_from' expects hf:DIR or ckpt:PATH, got " + to_toml(Value(text)), hint);
}

}  // namespace gptcore
