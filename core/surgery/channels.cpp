#include "core/surgery/channels.h"

#include "core/model/layer_names.h"
#include "gptcore/error.h"

namespace gptcore {

std::optional<Channels> channels_of(std::string_view parameter, bool tied_head) {
  const auto place = in_block(parameter);
  const std::string name = place ? place->rest : std::string(parameter);
  if (name == "wte.weight" || name == "wpe.weight") return Channels{1, {}};
  if (name == "lm_head.weight") return Channels{{}, 1};
  if (name.starts_with("ln_f.")) return tied_head ? Channels{{}, 0} : Channels{0, {}};
  if (!place) return std::nullopt;
  if (name.starts_with(".ln_1.") || name.starts_with(".ln_2.")) return Channels{0, {}};
  if (name == ".attn.qkv.weight") return Channels{0, 1, 3};
  if (name == ".attn.qkv.bias") return Channels{0, {}, 3};
  if (name == ".attn.proj.weight") return Channels{0, 1};
  if (name == ".mlp.fc.weight") return Channels{{}, 1};
  if (name == ".mlp.fc.bias") return Channels{};
  if (name == ".mlp.proj.weight" || name == ".attn.proj.bias" || name == ".mlp.proj.bias") return Channels{0, {}};
  return std::nullopt;
}

bool has_tied_head(const Shapes& parameters) {
  return !parameters.contains("lm_head.weight");
}

int64_t width_of(const Shapes& parameters) {
  const auto embedding = parameters.find("wte.weight");
  if (embedding == parameters.end() || embedding->second.size() != 2)
    throw Error(Code::model_shape, "the model has no embedding wte to widen");
  const int64_t width = embedding->second[1];
  for (const auto& [name, shape] : parameters) {
    const auto channels = channels_of(name, has_tied_head(parameters));
    const auto fits = [&](std::optional<size_t> dim, int64_t runs) {
      return !dim || (*dim < shape.size() && shape[*dim] == runs * width);
    };
    if (!channels || !fits(channels->made, channels->runs) || !fits(channels->read, 1))
      throw Error(Code::model_shape,
                  "the parameter '" + name + "' is not as a GPT of width " + std::to_string(width) + " has it",
                  "only a GPT's embedding can be widened");
  }
  return width;
}

}  // namespace gptcore
