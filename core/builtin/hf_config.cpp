#include "core/builtin/hf_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "gptcore/error.h"
#include "gptcore/lfs_pointer.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kConvert = "docs/models.md shows how to convert nanoGPT's ckpt.pt";
constexpr uint64_t kMaxBytes = uint64_t{1} << 20;
constexpr double kNormEpsilon = 1e-5;  // of the model "gpt"

class ConfigReader {
 public:
  ConfigReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  Table read() const {
    check_model_type();
    check_architecture();
    const int64_t n_embd = integer("n_embd"), n_head = integer("n_head");
    if (n_embd % n_head != 0)
      refuse("n_embd = " + std::to_string(n_embd) + " is not divisible by n_head = " + std::to_string(n_head));
    const int64_t inner = json_.contains("n_inner") && !json_.at("n_inner").is_null() ? integer("n_inner") : 4 * n_embd;
    check_math();
    Table keys = {{"n_layer", integer("n_layer")},
                  {"n_head", n_head},
                  {"n_embd", n_embd},
                  {"n_hidden", inner == 4 * n_embd ? int64_t{0} : inner},
                  {"block_size", integer(json_.contains("n_positions") ? "n_positions" : "n_ctx")},
                  {"vocab_size", integer("vocab_size")},
                  {"bias", true},
                  {"tie_word_embeddings", tied()},
                  {"gelu", gelu()},
                  {"rotary", false}};
    check_ranges(keys);
    return keys;
  }

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const {
    throw Error(Code::model_shape, what, hint, where_);
  }

  // Returns text from the file, on one line and not too long.
  static std::string shown(const Json& value) {
    const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() > 60 ? text.substr(0, 60) + "..." : text;
  }

  int64_t integer(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end())
      refuse(std::string("it has no '") + key + "'", "GPT-2's config.json gives the sizes of the model");
    if (!found->is_number_integer() || *found < 1 || *found > (int64_t{1} << 40))
      refuse(std::string("'") + key + "' expects a whole number of at least 1, got " + shown(*found));
    return found->get<int64_t>();
  }

  // Refuses a key that is neither `wanted` nor absent, because the model has no other form.
  void require(const char* key, const Json& wanted) const {
    const auto found = json_.find(key);
    if (found != json_.end() && *found != wanted)
      refuse(std::string("'") + key + "' is " + shown(*found) + ", and the model \"gpt\" has only " + shown(wanted));
  }

  // Old files lack the key. GPT-2's sizes have names of their own, which only OpenAI's first GPT shares; it has "afn", too.
  void check_model_type() const {
    constexpr const char* kGive = "give the folder of a GPT-2 model";
    if (const auto type = json_.find("model_type"); type != json_.end() && *type != "gpt2")
      refuse("its model_type is " + shown(*type) + ", and only \"gpt2\" can be read", kGive);
    if (json_.contains("model_type")) return;
    for (const char* key : {"n_embd", "n_head", "n_layer", "vocab_size"})
      if (!json_.contains(key)) refuse(std::string("it has neither 'model_type' nor GPT-2's '") + key + "'", kGive);
    if (json_.contains("afn")) refuse("it has no 'model_type', and 'afn' is a key of OpenAI's first GPT", kGive);
  }

  void check_architecture() const {
    const Json names = json_.value("architectures", Json());
    if (names.is_null()) return;
    const bool known = names.is_array() && std::any_of(names.begin(), names.end(), [](const Json& name) {
                         return name == "GPT2LMHeadModel" || name == "GPT2Model";
                       });
    if (!known) refuse("its architecture is " + shown(names) + ", not GPT2LMHeadModel", "only language models can be read");
  }

  void check_math() const {
    const auto epsilon = json_.find("layer_norm_epsilon");
    if (epsilon != json_.end() && (!epsilon->is_number() || epsilon->get<double>() != kNormEpsilon))
      refuse("'layer_norm_epsilon' is " + shown(*epsilon) + ", and the model \"gpt\" has only 1e-05");
    require("scale_attn_weights", true);
    require("scale_attn_by_inverse_layer_idx", false);
    require("add_cross_attention", false);
    if (json_.contains("quantization_config")) refuse("its weights are quantized", "save the model without quantization");
  }

  bool tied() const {
    const Json tied = json_.value("tie_word_embeddings", Json(true));
    if (!tied.is_boolean()) refuse("'tie_word_embeddings' expects true or false, got " + shown(tied));
    return tied.get<bool>();
  }

  std::string gelu() const {
    const Json name = json_.value("activation_function", Json("gelu_new"));
    if (name == "gelu_new" || name == "gelu_pytorch_tanh") return "tanh";
    if (name == "gelu") return "erf";
    refuse("'activation_function' is " + shown(name) + ", and the model \"gpt\" has only gelu_new, gelu_pytorch_tanh and gelu");
  }

  void check_ranges(const Table& keys) const {
    const Schema<GptOptions> schema = schema_of<GptOptions>();
    for (const ParamSpec& spec : schema.specs())
      if (const Value* value = find(keys, spec.name))
        if (const auto wrong = misfit(spec, *value)) refuse("its '" + spec.name + "' " + wrong->text);
  }

  const Json& json_;
  std::string where_;
};

}  // namespace

void refuse_pytorch_file(const std::filesystem::path& path) {
  if (path.extension() == ".pt" && posix_file_system()->kind(path) == FileKind::file)
    throw Error(Code::checkpoint_mismatch, "this is a PyTorch file, which is not read: it may run code when it is opened",
                kConvert, path.string());
}

Table read_hf_config(const std::filesystem::path& folder) {
  const auto files = posix_file_system();
  const std::filesystem::path path = folder / "config.json";
  if (files->kind(folder) == FileKind::absent)
    throw Error(Code::checkpoint_missing, "the folder does not exist", "download the model and give its folder",
                folder.string());
  refuse_pytorch_file(folder);
  if (files->kind(path) != FileKind::file)
    throw Error(Code::checkpoint_missing, "the folder has no config.json",
                files->kind(folder / "ckpt.pt") == FileKind::file
                    ? kConvert
                    : "give the folder of a Hugging Face GPT-2 model: config.json and model.safetensors",
                folder.string());
  const std::string text = read_text(*files, path, kMaxBytes);
  refuse_lfs_pointer(text, Code::checkpoint_missing, path.string());
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    throw Error(Code::checkpoint_corrupt, "the file is not a JSON object", "use another copy of it", path.string());
  return ConfigReader(json, path.string()).read();
}

std::string format_hf_config(const GptOptions& o, const std::string& dtype, const RoleIds& ids) {
  // transformers assumes 50256 when the key is missing.
  const auto or_null = [](const std::optional<int32_t>& id) { return id ? Json(*id) : Json(); };
  const Json json = {{"architectures", {"GPT2LMHeadModel"}},
                     {"model_type", "gpt2"},
                     {"activation_function", o.gelu == "tanh" ? "gelu_new" : "gelu"},
                     {"attn_pdrop", o.dropout},
                     {"embd_pdrop", o.dropout},
                     {"resid_pdrop", o.dropout},
                     {"bos_token_id", or_null(ids.bos)},
                     {"eos_token_id", or_null(ids.eos)},
                     {"initializer_range", 0.02},
                     {"layer_norm_epsilon", kNormEpsilon},
                     {"n_ctx", o.block_size},
                     {"n_positions", o.block_size},
                     {"n_embd", o.n_embd},
                     {"n_head", o.n_head},
                     {"n_inner", o.n_hidden > 0 && o.n_hidden != 4 * o.n_embd ? Json(o.n_hidden) : Json()},
                     {"n_layer", o.n_layer},
                     {"scale_attn_weights", true},
                     {"tie_word_embeddings", o.tie_word_embeddings},
                     {"torch_dtype", dtype},
                     {"use_cache", true},
                     {"vocab_size", o.vocab_size}};
  return json.dump(2) + "\n";
}

}  // namespace gptcore
