#include "core/interchange/hf_weights.h"

#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/builtin/hf_config.h"
#include "core/checkpoint/safetensors.h"
#include "gptcore/error.h"
#include "small_model.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
namespace fs = std::filesystem;

namespace {

struct Written {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  std::string data;
};

// A small model's folder, whose tensors a test changes before they are written again.
class HfCase {
 public:
  HfCase() : model(random_model(options)) {
    write_hf_folder(*files, folder.path, weights_of(options, *model), FileType::f32);
    const SafetensorsFile file(*files, weights());
    for (const TensorInfo& info : file.tensors()) {
      Written& tensor = tensors.emplace_back(Written{info.name, info.dtype, info.shape, std::string(info.bytes, '\0')});
      file.read_into(info.name, tensor.data.data(), info.bytes);
    }
  }
  fs::path weights() const { return folder.path / "model.safetensors"; }
  Written& tensor(const std::string& name) {
    for (Written& tensor : tensors)
      if (tensor.name == name) return tensor;
    throw std::runtime_error("no tensor " + name);
  }
  void write(const fs::path& path, const std::function<bool(const Written&)>& which = {}) {
    std::vector<TensorSource> sources;
    for (const Written& t : tensors)
      if (!which || which(t)) sources.push_back({t.name, t.dtype, t.shape, t.data.data()});
    fs::remove(path);
    write_safetensors(*files, path, sources);
  }
  // Reads the folder into a new model.
  std::unique_ptr<Network> load() {
    auto other = opened(options);
    load_hf_weights(*files, folder.path, weights_of(options, *other));
    return other;
  }
  // The line of the error that this gives, without its place, which must be in the folder.
  std::string refusal() {
    try {
      load();
    } catch (const Error& e) {
      CHECK(e.where().starts_with(folder.path.string()));
      return e.line().substr(e.where().size() + 2);
    }
    return "accepted";
  }
  bool loads_the_same() {
    const auto other = load();
    return same_weights(weights_of(options, *model), weights_of(options, *other));
  }

  GptOptions options = small_options();
  TempFolder folder;
  std::unique_ptr<FileSystem> files = posix_file_system();
  std::unique_ptr<Network> model;
  std::vector<Written> tensors;
};

}  // namespace

TEST_CASE("a folder is read the same with and without the prefix, with buffers, and with the head") {
  HfCase c;
  SECTION("as it is written") {}
  SECTION("without 'transformer.'") {
    for (Written& t : c.tensors) t.name = t.name.substr(std::strlen("transformer."));
  }
  SECTION("with the causal masks of old versions") {
    c.tensors.push_back({"transformer.h.0.attn.bias", Dtype::boolean, {1, 1, 2, 2}, std::string(4, '\1')});
    c.tensors.push_back({"transformer.h.1.attn.masked_bias", Dtype::f32, {}, std::string(4, '\0')});
  }
  SECTION("with the tied head") {
    Written head = c.tensor("transformer.wte.weight");
    head.name = "lm_head.weight";
    c.tensors.push_back(head);
  }
  c.write(c.weights());
  CHECK(c.loads_the_same());
}

TEST_CASE("a head of its own is read where config.json says that it has one, and missed where it is not there") {
  HfCase tied;
  GptOptions options = tied.options;
  options.tie_word_embeddings = false;
  const auto model = random_model(options), other = opened(options);
  fs::remove_all(tied.folder.path);
  fs::create_directories(tied.folder.path);
  write_hf_folder(*tied.files, tied.folder.path, weights_of(options, *model), FileType::f32);
  Table keys = read_hf_config(tied.folder.path);
  CHECK_FALSE(find(keys, "tie_word_embeddings")->as<bool>());
  load_hf_weights(*tied.files, tied.folder.path, weights_of(options, *other));
  CHECK(same_weights(weights_of(options, *model), weights_of(options, *other)));
  tied.write(tied.weights());  // those of the tied model
  try {
    load_hf_weights(*tied.files, tied.folder.path, weights_of(options, *other));
    FAIL("read");
  } catch (const Error& e) {
    CHECK_THAT(e.what(), Catch::Contains("'lm_head.weight' is missing"));
  }
}

TEST_CASE("linears are transposed, and nothing else") {
  HfCase c;
  const Written& qkv = c.tensor("transformer.h.1.attn.c_attn.weight");
  CHECK(qkv.shape == std::vector<int64_t>{12, 36});
  CHECK(c.tensor("transformer.wte.weight").shape == std::vector<int64_t>{50, 12});
  float second = 0;  // in = 0, out = 1
  std::memcpy(&second, qkv.data.data() + sizeof second, sizeof second);
  for (const Parameter& p : c.model->parameters())
    if (p.name == "blocks.1.attn.qkv.weight") CHECK(p.tensor[1][0].item<float>() == second);
}

TEST_CASE("half precision is read as float32") {
  const FileType type = GENERATE(FileType::f16, FileType::bf16);
  HfCase c;
  for (const Parameter& p : c.model->parameters()) {  // values that the type has
    const at::NoGradGuard no_grad;
    p.tensor.copy_(p.tensor.to(scalar_type(type)));
  }
  fs::remove_all(c.folder.path);
  fs::create_directories(c.folder.path);
  write_hf_folder(*c.files, c.folder.path, weights_of(c.options, *c.model), type);
  CHECK(SafetensorsFile(c.weights()).tensors().front().dtype == (type == FileType::f16 ? Dtype::f16 : Dtype::bf16));
  CHECK(c.loads_the_same());
}

TEST_CASE("shards are read by their index") {
  HfCase c;
  fs::remove(c.weights());
  const auto second = [](const Written& t) { return t.name.find(".h.1.") != std::string::npos; };
  c.write(c.folder.path / "model-00001-of-00002.safetensors", [&](const Written& t) { return !second(t); });
  c.write(c.folder.path / "model-00002-of-00002.safetensors", second);
  nlohmann::json map;
  for (const Written& t : c.tensors)
    map[t.name] = second(t) ? "model-00002-of-00002.safetensors" : "model-00001-of-00002.safetensors";
  const auto write_index = [&] {
    write_raw(c.folder.path / "model.safetensors.index.json", nlohmann::json{{"weight_map", map}}.dump());
  };
  SECTION("all there") {
    write_index();
    CHECK(c.loads_the_same());
  }
  SECTION("a shard is missing") {
    write_index();
    fs::remove(c.folder.path / "model-00002-of-00002.safetensors");
    CHECK(c.refusal().starts_with("error[GC500]: the index names model-00002-of-00002.safetensors, which is not there"));
  }
  SECTION("a tensor is in another shard than the index says") {
    map["transformer.h.1.ln_1.bias"] = "model-00001-of-00002.safetensors";
    write_index();
    CHECK(c.refusal().starts_with("error[GC501]: the index says that tensor 'transformer.h.1.ln_1.bias' is in"));
  }
  SECTION("a shard holds what the index does not know") {
    map.erase("transformer.h.1.ln_1.bias");
    write_index();
    CHECK(c.refusal().starts_with("error[GC501]: tensor 'transformer.h.1.ln_1.bias' is in model-00002"));
  }
  SECTION("the index leads out of the folder") {
    map["transformer.h.1.ln_1.bias"] = GENERATE("../model.safetensors", "/etc/model.safetensors", "", ".safetensors", "x.bin");
    write_index();
    CHECK(c.refusal().starts_with("error[GC501]: the index names the file '"));
  }
  SECTION("the index is none") {
    write_raw(c.folder.path / "model.safetensors.index.json", GENERATE("", "{}", "[]", "{\"weight_map\": 3}"));
    CHECK(c.refusal().starts_with("error[GC501]: the index is not JSON with a 'weight_map'"));
  }
}

TEST_CASE("weights that do not fit config.json are refused before anything is filled") {
  HfCase c;
  std::string expected;
  SECTION("one is missing") {
    c.tensor("transformer.h.0.ln_1.bias").name = "transformer.h.0.ln_1.biaz";
    expected = "error[GC502]: the weights do not fit: 'h.0.ln_1.bias' is missing; 'h.0.ln_1.biaz' is not in GPT-2";
  }
  SECTION("another shape: not transposed") {
    c.tensor("transformer.h.0.attn.c_attn.weight").shape = {36, 12};
    expected = "error[GC502]: the weights do not fit: 'h.0.attn.c_attn.weight' is (36, 12), and config.json makes it (12, 36)";
  }
  SECTION("another type") {
    c.tensor("transformer.ln_f.weight").dtype = Dtype::i32;
    expected = "error[GC502]: the weights do not fit: 'ln_f.weight' is of type I32, none of F32, F16, BF16";
  }
  SECTION("a block too many") {
    c.tensors.push_back({"transformer.h.2.ln_1.weight", Dtype::f32, {1}, std::string(4, '\0')});
    expected = "error[GC502]: the weights do not fit: 'h.2.ln_1.weight' is not in GPT-2";
  }
  SECTION("a head of its own") {
    Written head = c.tensor("transformer.wte.weight");
    head.name = "lm_head.weight";
    head.data[0] = static_cast<char>(head.data[0] ^ 1);
    c.tensors.push_back(head);
    expected = "error[GC502]: its lm_head.weight is not wte.weight";
  }
  SECTION("twice, with and without prefix") {
    Written again = c.tensor("transformer.wte.weight");
    again.name = "wte.weight";
    c.tensors.push_back(again);
    expected = "error[GC501]: tensor 'wte.weight' is there with and without the prefix";
  }
  c.write(c.weights());
  const std::string found = c.refusal();
  INFO(found);
  CHECK(found.starts_with(expected));

  const auto untouched = random_model(c.options, 7), same = random_model(c.options, 7);
  CHECK_THROWS(load_hf_weights(*c.files, c.folder.path, weights_of(c.options, *untouched)));
  CHECK(same_weights(weights_of(c.options, *untouched), weights_of(c.options, *same)));
}

TEST_CASE("a malformed safetensors file is refused at its place") {
  HfCase c;
  const std::string whole = read_raw(c.weights());
  uint64_t length = 0;
  std::memcpy(&length, whole.data(), sizeof length);
  const auto with_header = [&](std::string json) {
    const uint64_t size = json.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + json + whole.substr(8 + length);
  };
  std::string json = whole.substr(8, length), offsets = json;
  const auto replace = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  const std::vector<std::pair<const char*, std::string>> bad = {
      {"empty", ""},
      {"seven bytes", whole.substr(0, 7)},
      {"a header longer than the file", std::string(7, '\xff') + "\x7f{}"},
      {"cut in the header", whole.substr(0, 8 + length / 2)},
      {"cut in the data", whole.substr(0, whole.size() - 1)},
      {"a byte too many", whole + "x"},
      {"not an object", with_header("[" + json.substr(1))},
      {"no JSON", with_header(json.substr(0, json.size() / 2))},
      {"an unknown type", with_header(replace(json, "\"F32\"", "\"F33\""))},
      {"a key too many", with_header(replace(json, "\"dtype\"", "\"type\""))},
      {"a name twice", with_header(replace(json, "transformer.wpe.weight", "transformer.wte.weight"))},
      {"a negative offset", with_header(replace(json, "[0,", "[-1,"))},
      {"data that overlaps", with_header(replace(json, "[0,", "[4,"))},
      {"a huge shape", with_header(replace(json, "\"shape\":[", "\"shape\":[4611686018427387904,"))},
      {"a pickle", std::string("\x80\x02}q\x00.", 7) + std::string(40, 'x')},
  };
  for (const auto& [what, bytes] : bad) {
    write_raw(c.weights(), bytes);
    const std::string found = c.refusal();
    INFO(what << ": " << found);
    CHECK(found.starts_with("error[GC501]: not a valid safetensors file: "));
  }
}

TEST_CASE("weights in PyTorch's format are refused with the way to convert them") {
  HfCase c;
  fs::remove(c.weights());
  CHECK(c.refusal().starts_with("error[GC500]: the folder has neither model.safetensors nor"));
  const auto [name, expected] =
      GENERATE(table<std::string, std::string>({{"pytorch_model.bin", "safe_serialization=True"},
                                                {"pytorch_model.bin.index.json", "safe_serialization=True"},
                                                {"ckpt.pt", "docs/models.md"}}));
  write_raw(c.folder.path / name, "PK");
  const std::string found = c.refusal();
  INFO(found);
  CHECK(found.starts_with("error[GC502]: the weights are in " + name + ", which is not read"));
  CHECK(found.find(expected) != std::string::npos);
}
