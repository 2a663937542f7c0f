#include "core/interchange/gguf_file.h"

#include <ATen/ops/empty.h>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr uint32_t kVersion = 3;
constexpr uint64_t kAlignment = 32;
enum class ValueType : uint32_t { u32 = 4, i32 = 5, f32 = 6, boolean = 7, text = 8, array = 9 };

// "blocks.3.attn.qkv.weight" -> "blk.3.attn_qkv.weight"
std::string gguf_name(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> kParts[] = {
      {"blocks.", "blk."},       {"wte.", "token_embd."},      {"wpe.", "position_embd."},   {"ln_f.", "output_norm."},
      {".ln_1.", ".attn_norm."}, {".ln_2.", ".ffn_norm."},     {".attn.qkv.", ".attn_qkv."}, {".attn.proj.", ".attn_output."},
      {".mlp.fc.", ".ffn_up."},  {".mlp.proj.", ".ffn_down."}, {"lm_head.", "output."}};
  std::string out = name;
  for (const auto& [ours, theirs] : kParts)
    if (const size_t at = out.find(ours); at != std::string::npos) out.replace(at, ours.size(), theirs);
  return out;
}

FileType type_of(const GptTensor& tensor, FileType type) {
  return tensor.shape.size() < 2 || tensor.name == "wpe.weight" ? FileType::f32 : type;
}

uint32_t ggml_type(FileType type) {
  return type == FileType::f32 ? 0 : type == FileType::f16 ? 1 : 30;
}

// Returns general.file_type: the type of most tensors.
uint32_t file_type(FileType type) {
  return type == FileType::f32 ? 0 : type == FileType::f16 ? 1 : 32;
}

uint64_t data_bytes(const GptTensor& tensor, FileType type) {
  uint64_t bytes = type_of(tensor, type) == FileType::f32 ? 4 : 2;
  for (const int64_t n : tensor.shape) bytes *= static_cast<uint64_t>(n);
  return bytes;
}

uint64_t aligned(uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

class HeaderWriter {
 public:
  template <class T> void put(T number) { out_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void put_text(const std::string& text) {
    put(static_cast<uint64_t>(text.size()));
    out_ += text;
  }
  void entry(const std::string& key, const std::string& text) {
    begin(key, ValueType::text);
    put_text(text);
  }
  void entry(const std::string& key, uint32_t number) {
    begin(key, ValueType::u32);
    put(number);
  }
  void entry(const std::string& key, int64_t number) { entry(key, static_cast<uint32_t>(number)); }
  void entry(const std::string& key, float number) {
    begin(key, ValueType::f32);
    put(number);
  }
  void entry(const std::string& key, bool flag) {
    begin(key, ValueType::boolean);
    put(static_cast<uint8_t>(flag));
  }
  void entry(const std::string& key, const std::vector<std::string>& texts) {
    begin_array(key, ValueType::text, texts.size());
    for (const std::string& text : texts) put_text(text);
  }
  void entry(const std::string& key, const std::vector<int32_t>& numbers) {
    begin_array(key, ValueType::i32, numbers.size());
    for (const int32_t number : numbers) put(number);
  }
  void entry(const std::string& key, const std::vector<float>& numbers) {
    begin_array(key, ValueType::f32, numbers.size());
    for (const float number : numbers) put(number);
  }
  uint64_t entries() const { return entries_; }
  const std::string& bytes() const { return out_; }

 private:
  void begin(const std::string& key, ValueType type) {
    put_text(key);
    put(static_cast<uint32_t>(type));
    ++entries_;
  }
  void begin_array(const std::string& key, ValueType type, size_t size) {
    begin(key, ValueType::array);
    put(static_cast<uint32_t>(type));
    put(static_cast<uint64_t>(size));
  }
  std::string out_;
  uint64_t entries_ = 0;
};

void put_tokenizer(HeaderWriter& keys, const GgufTokenizer& tokenizer) {
  const std::string prefix = "tokenizer.ggml.";
  keys.entry(prefix + "model", tokenizer.model);
  if (tokenizer.tokens.empty()) return;
  if (!tokenizer.pre.empty()) keys.entry(prefix + "pre", tokenizer.pre);
  keys.entry(prefix + "tokens", tokenizer.tokens);
  keys.entry(prefix + "token_type", tokenizer.types);
  if (tokenizer.scores.empty())
    keys.entry(prefix + "merges", tokenizer.merges);
  else
    keys.entry(prefix + "scores", tokenizer.scores);
  for (const auto& [key, id] : tokenizer.ids) keys.entry(prefix + key, id);
  for (const auto& [key, flag] : tokenizer.flags) keys.entry(prefix + key, flag);
}

// Returns everything before the data, padded so that the data is aligned.
std::string header_of(const GptWeights& weights, FileType type, const GgufTokenizer& tokenizer) {
  const GptOptions& o = weights.options();
  HeaderWriter keys;
  keys.entry("general.architecture", std::string("gpt2"));
  keys.entry("general.alignment", static_cast<uint32_t>(kAlignment));
  keys.entry("general.quantization_version", uint32_t{2});
  keys.entry("general.file_type", file_type(type));
  keys.entry("gpt2.block_count", o.n_layer);
  keys.entry("gpt2.context_length", o.block_size);
  keys.entry("gpt2.embedding_length", o.n_embd);
  keys.entry("gpt2.feed_forward_length", o.n_hidden > 0 ? o.n_hidden : 4 * o.n_embd);
  keys.entry("gpt2.attention.head_count", o.n_head);
  keys.entry("gpt2.attention.layer_norm_epsilon", 1e-5f);
  keys.entry("gpt2.vocab_size", o.vocab_size);
  put_tokenizer(keys, tokenizer);

  HeaderWriter out;
  for (const char letter : {'G', 'G', 'U', 'F'}) out.put(letter);
  out.put(kVersion);
  out.put(static_cast<uint64_t>(weights.list().size()));
  out.put(keys.entries());
  HeaderWriter tensors;
  uint64_t offset = 0;
  for (const GptTensor& tensor : weights.list()) {
    tensors.put_text(gguf_name(tensor.name));
    tensors.put(static_cast<uint32_t>(tensor.shape.size()));
    for (auto n = tensor.shape.rbegin(); n != tensor.shape.rend(); ++n)
      tensors.put(static_cast<uint64_t>(*n));  // innermost first
    tensors.put(ggml_type(type_of(tensor, type)));
    tensors.put(offset);
    offset = aligned(offset + data_bytes(tensor, type));
  }
  std::string text = out.bytes() + keys.bytes() + tensors.bytes();
  text.resize(aligned(text.size()));
  return text;
}

}  // namespace

void write_gguf_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights, FileType type,
                     const GgufTokenizer& tokenizer) {
  const auto file = files.create(path);
  file->write(bytes_of(std::string_view(header_of(weights, type, tokenizer))));
  for (const GptTensor& tensor : weights.list()) {
    file->write(bytes_of(in_file_type(weights.get(tensor), type_of(tensor, type))));
    const uint64_t bytes = data_bytes(tensor, type);
    file->write(bytes_of(std::string_view(std::string(aligned(bytes) - bytes, '\0'))));
  }
  file->sync();
  file->close();
}

void read_gguf_file(FileSystem& files, const std::filesystem::path& path, const GptWeights& weights, FileType type,
                    const GgufTokenizer& tokenizer) {
  const auto file = files.open(path);
  const std::string wanted = header_of(weights, type, tokenizer);
  std::string header(wanted.size(), '\0');
  header.resize(file->read_at(0, std::as_writable_bytes(std::span(header.data(), header.size()))));
  if (header != wanted)
    throw Error(Code::checkpoint_mismatch, "the file's header is not that of this model", "", path.string());
  uint64_t place = wanted.size();
  for (const GptTensor& tensor : weights.list()) {
    const at::Tensor value = at::empty(tensor.shape, scalar_type(type_of(tensor, type)));
    if (file->read_at(place, writable_bytes_of(value)) != value.nbytes())
      throw Error(Code::checkpoint_corrupt, "the file ends inside its tensors", "", path.string());
    weights.set(tensor, value);
    place += aligned(value.nbytes());
  }
  if (place != file->size()) throw Error(Code::checkpoint_corrupt, "the file is longer than its tensors", "", path.string());
}

}  // namespace gptcore
