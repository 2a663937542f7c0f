#include "core/interchange/export.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "core/base/file_system.h"
#include "core/builtin/hf_config.h"
#include "core/interchange/gguf_file.h"
#include "core/interchange/hf_weights.h"
#include "core/interchange/llmc_file.h"
#include "gguf_reader.h"
#include "gptcore/error.h"
#include "small_model.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;
namespace fs = std::filesystem;

namespace {

Exported export_to(const fs::path& to, Network& network, const GptOptions& options, ExportFormat format, FileType type) {
  return export_model(*posix_file_system(), network, options, {to, format, type, {}, {}, {}},
                      probe_logits(network, options.vocab_size));
}

int32_t word(const std::string& bytes, size_t index) {
  int32_t value = 0;
  std::memcpy(&value, bytes.data() + 4 * index, sizeof value);
  return value;
}

}  // namespace

TEST_CASE("an exported model is read back bit for bit") {
  GptOptions options = small_options();
  options.vocab_multiple = GENERATE(1, 64);
  const auto [bias, hidden] = GENERATE(table<bool, int64_t>({{true, 0}, {false, 0}, {true, 31}}));
  options.bias = bias;
  options.n_hidden = hidden;
  options.tie_word_embeddings = GENERATE(true, false);
  const ExportFormat format = GENERATE(ExportFormat::hf, ExportFormat::llmc, ExportFormat::gguf);
  if (format == ExportFormat::llmc && (hidden != 0 || !options.tie_word_embeddings)) return;
  const TempFolder folder;
  const auto model = random_model(options), same = random_model(options);
  const Exported made = export_to(folder.path / "out", *model, options, format, FileType::f32);
  CHECK(made.logit_difference == 0);
  CHECK(same_weights(weights_of(options, *model), weights_of(options, *same)));
  CHECK(made.files == (format == ExportFormat::hf     ? std::vector<std::string>{"config.json", "model.safetensors"}
                       : format == ExportFormat::llmc ? std::vector<std::string>{"model.bin"}
                                                      : std::vector<std::string>{"model.gguf"}));
  CHECK_FALSE(fs::exists(folder.path / "out.tmp"));
}

TEST_CASE("export, import and export again make the same bytes for the small presets") {
  GptOptions options;
  schema_of<GptOptions>().assign(gpt_preset("gpt2-xxs"), options);
  options.tie_word_embeddings = GENERATE(true, false);
  const TempFolder folder;
  const auto model = random_model(options);
  export_to(folder.path / "a", *model, options, ExportFormat::hf, FileType::f32);
  GptOptions read;
  schema_of<GptOptions>().assign(read_hf_config(folder.path / "a"), read);
  const auto other = opened(read);
  load_hf_weights(*posix_file_system(), folder.path / "a", weights_of(read, *other));
  CHECK(same_weights(weights_of(read, *model), weights_of(read, *other)));
  export_to(folder.path / "b", *other, read, ExportFormat::hf, FileType::f32);
  for (const char* name : {"config.json", "model.safetensors"})
    CHECK(read_raw(folder.path / "a" / name) == read_raw(folder.path / "b" / name));
}

TEST_CASE("half precision rounds the weights, and the difference is told") {
  const FileType type = GENERATE(FileType::f16, FileType::bf16);
  const ExportFormat format = GENERATE(ExportFormat::hf, ExportFormat::llmc, ExportFormat::gguf);
  if (format == ExportFormat::llmc && type == FileType::f16) return;
  const GptOptions options = small_options();
  const TempFolder folder;
  const auto model = random_model(options);
  const at::Tensor logits = probe_logits(*model, model->vocab_size());
  const Exported made = export_to(folder.path / "out", *model, options, format, type);
  CHECK(made.logit_difference > 0);
  CHECK(made.logit_difference < 0.05 * logits.abs().max().item<double>());
  CHECK(made.logit_difference == (probe_logits(*model, model->vocab_size()) - logits).abs().max().item<double>());
}

TEST_CASE("llm.c's file has its header, its padding and its order") {
  GptOptions options = small_options();
  const TempFolder folder;
  const auto model = random_model(options);
  write_llmc_file(*posix_file_system(), folder.path / "m.bin", weights_of(options, *model), FileType::f32);
  const std::string bytes = read_raw(folder.path / "m.bin");
  const int32_t header[] = {20240326, 3, 10, 50, 2, 2, 12, 128};
  for (size_t i = 0; i < std::size(header); ++i) CHECK(word(bytes, i) == header[i]);
  for (size_t i = std::size(header); i < 256; ++i) REQUIRE(word(bytes, i) == 0);
  const size_t C = 12, block = 12 * C * C + 13 * C;
  CHECK(bytes.size() == 4 * (256 + 128 * C + 10 * C + 2 * block + 2 * C));
  for (size_t i = 256 + 50 * C; i < 256 + 128 * C; ++i) REQUIRE(word(bytes, i) == 0);
  const auto value_at = [&](const std::string& name, size_t place) {  // its first value is there
    for (const Parameter& p : model->parameters())
      if (p.name == name) {
        float there = 0;
        std::memcpy(&there, bytes.data() + 4 * place, sizeof there);
        return p.tensor.flatten()[0].item<float>() == there;
      }
    return false;
  };
  const size_t norms = 256 + 138 * C;
  CHECK(value_at("wte.weight", 256));
  CHECK(value_at("wpe.weight", 256 + 128 * C));
  CHECK(value_at("blocks.0.ln_1.weight", norms));
  CHECK(value_at("blocks.1.ln_1.weight", norms + C));
  CHECK(value_at("blocks.0.ln_1.bias", norms + 2 * C));
  CHECK(value_at("blocks.0.attn.qkv.weight", norms + 4 * C));
  CHECK(value_at("blocks.1.attn.qkv.weight", norms + 4 * C + 3 * C * C));
  CHECK(value_at("ln_f.bias", bytes.size() / 4 - C));
}

TEST_CASE("a GGUF file holds gpt2's keys, and each tensor where it says") {
  GptOptions options = small_options();
  options.n_hidden = 20;
  const TempFolder folder;
  const auto model = random_model(options);
  write_gguf_file(*posix_file_system(), folder.path / "m.gguf", weights_of(options, *model), FileType::f32);
  const std::string bytes = read_raw(folder.path / "m.gguf");
  const ReadGguf read = read_gguf(bytes);
  CHECK(read.texts == std::map<std::string, std::string>{{"general.architecture", "gpt2"}, {"tokenizer.ggml.model", "none"}});
  const std::vector<std::pair<const char*, uint64_t>> wanted = {{"block_count", 2},          {"context_length", 10},
                                                                {"embedding_length", 12},    {"feed_forward_length", 20},
                                                                {"attention.head_count", 2}, {"vocab_size", 50}};
  for (const auto& [key, value] : wanted) CHECK(read.numbers.at(std::string("gpt2.") + key) == value);
  CHECK(read.numbers.at("general.file_type") == 0);

  const std::vector<std::pair<const char*, const char*>> names = {{"token_embd", "wte"},
                                                                  {"position_embd", "wpe"},
                                                                  {"output_norm", "ln_f"},
                                                                  {"blk.0.attn_norm", "blocks.0.ln_1"},
                                                                  {"blk.1.ffn_norm", "blocks.1.ln_2"},
                                                                  {"blk.0.attn_qkv", "blocks.0.attn.qkv"},
                                                                  {"blk.1.attn_output", "blocks.1.attn.proj"},
                                                                  {"blk.1.ffn_up", "blocks.1.mlp.fc"},
                                                                  {"blk.0.ffn_down", "blocks.0.mlp.proj"}};
  for (const auto& [theirs, ours] : names)
    for (const Parameter& p : model->parameters()) {
      for (const char* part : {".weight", ".bias"}) {
        if (p.name != std::string(ours) + part) continue;
        INFO(p.name);
        const ReadGguf::Place& place = read.tensors.at(std::string(theirs) + part);
        CHECK(place.type == 0);
        CHECK(place.offset % 32 == 0);
        CHECK(std::equal(place.shape.rbegin(), place.shape.rend(), p.tensor.sizes().begin(), p.tensor.sizes().end()));
        CHECK(std::memcmp(bytes.data() + read.data + place.offset, p.tensor.const_data_ptr(), p.tensor.nbytes()) == 0);
      }
    }
  CHECK(read.tensors.size() == 28);
}

TEST_CASE("a format refuses what it has no place for") {
  GptOptions options = small_options();
  const auto refusal = [&](ExportFormat format, FileType type = FileType::f32) -> std::string {
    try {
      require_expressible(format, options, type);
    } catch (const Error& e) {
      return e.line();
    }
    return "accepted";
  };
  for (const ExportFormat format : {ExportFormat::hf, ExportFormat::llmc, ExportFormat::gguf})
    CHECK(refusal(format) == "accepted");
  CHECK(refusal(ExportFormat::llmc, FileType::f16).starts_with("error[GC001]: llm.c has no float16"));
  options.gelu = "erf";
  CHECK(refusal(ExportFormat::hf) == "accepted");
  CHECK(refusal(ExportFormat::llmc).starts_with("error[GC400]: the model has gelu = \"erf\", and llm.c has only tanh"));
  CHECK(refusal(ExportFormat::gguf).starts_with("error[GC400]: the model has gelu = \"erf\""));
  options.gelu = "tanh";
  options.n_hidden = 20;
  CHECK(refusal(ExportFormat::gguf) == "accepted");
  CHECK(refusal(ExportFormat::llmc).starts_with("error[GC400]: the model has n_hidden = 20, and llm.c has only 4 n_embd"));
  options.rotary = true;
  for (const ExportFormat format : {ExportFormat::hf, ExportFormat::llmc, ExportFormat::gguf})
    CHECK(refusal(format).starts_with("error[GC400]: the model has rotary positions"));
}

TEST_CASE("an export that fails leaves nothing, and one that is there is not touched") {
  const GptOptions options = small_options();
  const TempFolder folder;
  const auto model = random_model(options);
  SECTION("something is there") {
    fs::create_directories(folder.path / "out");
    CHECK_THROWS_WITH(export_to(folder.path / "out", *model, options, ExportFormat::hf, FileType::f32),
                      Catch::Contains("something is there already"));
    CHECK(fs::is_empty(folder.path / "out"));
  }
  SECTION("weights that float16 does not have") {
    {
      const at::NoGradGuard no_grad;
      model->parameters().front().tensor[3][3] = 1e6;
    }
    CHECK_THROWS_WITH(export_to(folder.path / "deep/out", *model, options, ExportFormat::hf, FileType::f16),
                      Catch::Contains("not finite"));
    CHECK(fs::is_empty(folder.path));
  }
  SECTION("the logits are other ones") {
    const at::Tensor wanted = probe_logits(*model, model->vocab_size()) * 1.01;
    CHECK_THROWS_WITH(export_model(*posix_file_system(), *model, options,
                                   {folder.path / "out", ExportFormat::gguf, FileType::f32, {}, {}, {}}, wanted),
                      Catch::Contains("other logits than the model"));
    CHECK(fs::is_empty(folder.path));
  }
  SECTION("the leftover of a process that was killed") {
    fs::create_directories(folder.path / "out.tmp");
    write_raw(folder.path / "out.tmp" / "model.safetensors", "half");
    export_to(folder.path / "out/", *model, options, ExportFormat::hf, FileType::f32);
    CHECK(fs::exists(folder.path / "out" / "config.json"));
    CHECK_FALSE(fs::exists(folder.path / "out.tmp"));
  }
}

TEST_CASE("a file of another model or a damaged one is not read back") {
  const GptOptions options = small_options();
  const TempFolder folder;
  const auto files = posix_file_system();
  const auto model = random_model(options);
  const GptWeights weights = weights_of(options, *model);
  write_llmc_file(*files, folder.path / "m.bin", weights, FileType::f32);
  write_gguf_file(*files, folder.path / "m.gguf", weights, FileType::f32);
  const auto read = [&](const char* name) {
    if (std::string(name) == "m.bin") return read_llmc_file(*files, folder.path / name, weights);
    read_gguf_file(*files, folder.path / name, weights, FileType::f32);
  };
  for (const char* name : {"m.bin", "m.gguf"}) {
    const std::string whole = read_raw(folder.path / name);
    INFO(name);
    CHECK_NOTHROW(read(name));
    write_raw(folder.path / name, whole.substr(0, whole.size() - 200));
    CHECK_THROWS_WITH(read(name), Catch::Contains("ends inside its tensors"));
    write_raw(folder.path / name, whole + "x");
    CHECK_THROWS_WITH(read(name), Catch::Contains("longer than its tensors"));
    std::string other = whole;
    other[8] = static_cast<char>(other[8] ^ 1);
    write_raw(folder.path / name, other);
    CHECK_THROWS_WITH(read(name), Catch::Contains("header"));
  }
}
