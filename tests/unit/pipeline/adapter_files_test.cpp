#include "core/pipeline/adapter_files.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cerrno>
#include <filesystem>

#include "core/base/file_system.h"
#include "gptcore/error.h"
#include "gptcore/version.h"
#include "tests/catch.h"
#include "tests/unit/base/fault_file_system.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;
using Catch::Contains;

namespace {

// A base of two blocks with an adapter of rank `rank` on each qkv, values counted from `start`.
struct Network {
  explicit Network(int64_t rank, float start, int64_t blocks = 2) {
    parameters.push_back({"wte.weight", at::full({7, 4}, start), {}});
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string layer = "blocks." + std::to_string(i) + ".attn.qkv";
      parameters.push_back({layer + ".weight", at::full({12, 4}, start), {}});
      parameters.push_back({layer + ".lora.a", at::arange(rank * 4, at::kFloat).view({rank, 4}) + start, {}});
      parameters.push_back({layer + ".lora.b", at::arange(12 * rank, at::kFloat).view({12, rank}) - start, {}});
      adapters.push_back({layer, "lora", {{"rank", rank}, {"alpha", 16.0}, {"mode", "add"}}});
    }
  }
  at::Tensor get(const std::string& name) const {
    for (const Parameter& p : parameters)
      if (p.name == name) return p.tensor;
    throw std::logic_error(name);
  }
  std::vector<Parameter> parameters;
  std::vector<AdapterInfo> adapters;
};

const Table kBase = {{"n_layer", 2}, {"n_embd", 4}};

struct Place {
  Place() { write_adapters(*files, path, saved.parameters, saved.adapters, kBase); }
  // What loading into `network` says when it is refused; nothing of the network may have changed.
  std::string refusal(const Network& network) const {
    try {
      FittingAdapters(*files, path, network.parameters, network.adapters).load();
    } catch (const Error& e) {
      CHECK(e.code() == Code::checkpoint_mismatch);
      CHECK(e.where() == path.string());
      return e.what();
    }
    return "";
  }
  TempFolder folder;
  std::filesystem::path path = folder.path / "adapters.safetensors";
  std::unique_ptr<FileSystem> files = posix_file_system();
  Network saved{3, 1};
};

// A file with one tensor, "wte.lora.a", and this metadata over what a good one has. An empty text leaves a key out.
void write_with(FileSystem& files, const std::filesystem::path& path, const Metadata& changed, Dtype dtype = Dtype::f32) {
  Metadata metadata = {{"format", "gptcore-adapters"},
                       {"version", "1"},
                       {"gptcore", "0.1.0"},
                       {"base", "{}"},
                       {"base_shapes", ""},
                       {"adapters", R"([{"layer": "wte", "use": "lora", "values": {"rank": "1"}}])"}};
  for (const auto& [key, text] : changed) metadata[key] = text;
  std::erase_if(metadata, [&](const auto& entry) { return changed.contains(entry.first) && entry.second.empty(); });
  const float values[2] = {1, 2};
  write_safetensors(files, path, {{"wte.lora.a", dtype, {2}, values}}, metadata);
}

}  // namespace

TEST_CASE("adapters come back without their base, bit for bit", "[adapters]") {
  const Place place;
  const Network other(3, 100);
  CHECK(FittingAdapters(*place.files, place.path, other.parameters, other.adapters).load().empty());
  for (const Parameter& p : other.parameters) {
    CAPTURE(p.name);
    const bool own = p.name.find(".lora.") != std::string::npos;
    CHECK(at::equal(p.tensor, place.saved.get(p.name)) == own);
  }
}

TEST_CASE("adapters are loaded into memory that is not contiguous, and nowhere else", "[adapters]") {
  const Place place;
  Network other(3, 100);
  const at::Tensor home = at::zeros({4, 5});
  for (Parameter& p : other.parameters)
    if (p.name == "blocks.0.attn.qkv.lora.a") p.tensor = home.narrow(1, 0, 3).t();
  FittingAdapters(*place.files, place.path, other.parameters, other.adapters).load();
  CHECK(at::equal(home.narrow(1, 0, 3).t(), place.saved.get("blocks.0.attn.qkv.lora.a")));
  CHECK(home.narrow(1, 3, 2).abs().sum().item<float>() == 0);
}

TEST_CASE("an adapter file says what it holds and what it was made on", "[adapters]") {
  const Place place;
  const AdapterFile file = read_adapter_file(*place.files, place.path);
  CHECK(file.gptcore == GPTCORE_VERSION);
  CHECK((file.base == kBase));
  REQUIRE(file.adapters.size() == 2);
  CHECK(file.adapters[1].layer == "blocks.1.attn.qkv");
  CHECK(file.adapters[1].item == "lora");
  CHECK((file.adapters[1].values == place.saved.adapters[1].values));  // with their types
  const SafetensorsFile raw(*place.files, place.path);
  CHECK(raw.tensors().size() == 4);
}

TEST_CASE("adapters of another rank are refused with both ranks and the layers", "[adapters]") {
  const Place place;
  const Network other(2, 100);
  CHECK_THAT(place.refusal(other), Contains("made for rank 3, this pipeline has 2 (blocks.0.attn.qkv and 1 more)"));
  CHECK(at::equal(other.get("blocks.0.attn.qkv.lora.a"), Network(2, 100).get("blocks.0.attn.qkv.lora.a")));
}

TEST_CASE("adapters of other layers or items are refused by name, and nothing is half loaded", "[adapters]") {
  const Place place;
  const Network more(3, 100, 3), fewer(3, 100, 1);
  CHECK_THAT(place.refusal(more), Contains("there is no 'lora' for a layer that has one here (blocks.2.attn.qkv)"));
  CHECK_THAT(place.refusal(fewer), Contains("it holds 'lora' for a layer that has none here (blocks.1.attn.qkv)"));
  CHECK(at::equal(more.get("blocks.0.attn.qkv.lora.b"), Network(3, 100).get("blocks.0.attn.qkv.lora.b")));
  Network renamed(3, 100);
  for (AdapterInfo& a : renamed.adapters) a.item = "dora";
  for (Parameter& p : renamed.parameters)
    if (const size_t at = p.name.find("lora"); at != std::string::npos) p.name[at] = 'd';
  CHECK_THAT(place.refusal(renamed), Contains("there is no 'dora'") && Contains("it holds 'lora'"));
}

TEST_CASE("adapters whose tensors differ for no known reason are refused by shape", "[adapters]") {
  const Place place;
  Network wider(3, 100);
  for (Parameter& p : wider.parameters)
    if (p.name == "blocks.0.attn.qkv.lora.a") p.tensor = at::zeros({3, 5});
  CHECK_THAT(place.refusal(wider), Contains("'a' is (3, 4) there and (3, 5) here (blocks.0.attn.qkv)"));
  Network more(3, 100), fewer(3, 100);
  more.parameters.push_back({"blocks.0.attn.qkv.lora.m", at::zeros({2}), {}});
  CHECK_THAT(place.refusal(more), Contains("'m' is missing (blocks.0.attn.qkv)"));
  fewer.parameters.pop_back();
  CHECK_THAT(place.refusal(fewer), Contains("it has more tensors there (blocks.1.attn.qkv)"));
}

TEST_CASE("other values that leave the shapes alone, and another base, are told and not refused", "[adapters]") {
  const Place place;
  Network other(3, 100);
  for (AdapterInfo& a : other.adapters) a.values[1].second = 8.0;
  other.adapters[0].values.emplace_back("dropout", 0.5);
  other.parameters[0].tensor = at::zeros({9, 4});
  CHECK(FittingAdapters(*place.files, place.path, other.parameters, other.adapters).load() ==
        std::vector<std::string>{"alpha: 16.0 -> 8.0 (blocks.0.attn.qkv and 1 more)",
                                 "dropout: absent -> 0.5 (blocks.0.attn.qkv)",
                                 "they were trained on a base model of other shapes: n_layer 2, n_embd 4"});
  CHECK(at::equal(other.get("blocks.1.attn.qkv.lora.a"), place.saved.get("blocks.1.attn.qkv.lora.a")));
}

TEST_CASE("a file that is no file of adapters is refused as such", "[adapters]") {
  const Place place;
  const auto error_of = [&](const Metadata& metadata, Dtype dtype = Dtype::f32) {
    std::filesystem::remove(place.path);
    write_with(*place.files, place.path, metadata, dtype);
    try {
      read_adapter_file(*place.files, place.path);
    } catch (const Error& e) {
      return e.line();
    }
    return std::string("none");
  };
  CHECK(error_of({}) == "none");
  CHECK_THAT(error_of({{"format", "pt"}}), Contains("GC502") && Contains("no adapters"));
  CHECK_THAT(error_of({{"format", ""}}), Contains("GC502") && Contains("no adapters"));
  CHECK_THAT(error_of({{"version", "7"}}), Contains("GC502") && Contains("version 7"));
  CHECK_THAT(error_of({{"version", ""}}), Contains("GC501"));
  const std::string adapter = R"({"layer": "wte", "use": "lora", "values": {}})";
  for (const Metadata& bad : std::vector<Metadata>{
           {{"gptcore", ""}},
           {{"base", ""}},
           {{"base", "[]"}},
           {{"base", R"({"n_layer": 2})"}},
           {{"adapters", ""}},
           {{"adapters", "{"}},
           {{"adapters", "3"}},
           {{"adapters", "[3]"}},
           {{"adapters", R"([{"layer": "wte", "use": "lora"}])"}},
           {{"adapters", R"([{"layer": "wte", "use": 3, "values": {}}])"}},
           {{"adapters", R"([{"layer": "wte", "use": "lora", "values": []}])"}},
           {{"adapters", "[" + adapter + "," + adapter + "]"}},
           {{"adapters", "[]"}},                                                                      // whose is the tensor?
           {{"adapters", "[" + adapter + R"(, {"layer": "wpe", "use": "lora", "values": {}}])"}}}) {  // without a tensor
    CAPTURE(bad);
    CHECK_THAT(error_of(bad), Contains("GC501") && Contains(place.path.string()));
  }
  CHECK_THAT(error_of({}, Dtype::i32), Contains("GC501") && Contains("is not float32"));
}

TEST_CASE("a cut or absent file of adapters is refused before anything is written", "[adapters]") {
  const Place place;
  const Network other(3, 100);
  const std::string whole = read_raw(place.path);
  for (const size_t size : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1}) {
    write_raw(place.path, whole.substr(0, size));
    CHECK_THROWS_WITH(FittingAdapters(*place.files, place.path, other.parameters, other.adapters).load(),
                      Contains("safetensors"));
  }
  std::filesystem::remove(place.path);
  CHECK_THROWS_AS(FittingAdapters(*place.files, place.path, other.parameters, other.adapters).load(), Error);
  CHECK(at::equal(other.get("blocks.0.attn.qkv.lora.a"), Network(3, 100).get("blocks.0.attn.qkv.lora.a")));
}

TEST_CASE("writing that fails at any call leaves the old adapters or the new ones, and no other file", "[adapters]") {
  const Place place;
  const Network newer(3, 50);
  int failures = 0;
  for (int call = 1;; ++call) {
    FaultFileSystem faulty(*place.files);
    faulty.plan(call, FaultFileSystem::Fault::fail_once, EIO);
    bool threw = false;
    try {
      write_adapters(faulty, place.path, newer.parameters, newer.adapters, kBase);
    } catch (const Error&) {
      threw = true;
    }
    if (!faulty.struck()) break;
    failures += threw;
    CAPTURE(call);
    CHECK(place.files->list(place.folder.path).size() == 1);
    const Network out(3, 100);
    FittingAdapters(*place.files, place.path, out.parameters, out.adapters).load();
    const at::Tensor a = out.get("blocks.0.attn.qkv.lora.a");
    CHECK((at::equal(a, newer.get("blocks.0.attn.qkv.lora.a")) || at::equal(a, place.saved.get("blocks.0.attn.qkv.lora.a"))));
    write_adapters(*place.files, place.path, place.saved.parameters, place.saved.adapters, kBase);
  }
  CHECK(failures > 3);
}

TEST_CASE("adapters on an embedding are refused where its rows are of other tokens") {
  const auto files = posix_file_system();
  const TempFolder folder;
  const auto path = folder.path / "adapters.safetensors";
  const std::vector<AdapterInfo> embedding = {{"wte", "lora", {{"rank", 1}}}};
  const std::vector<Parameter> parameters = {{"wte.weight", at::full({7, 4}, 0.F), {}},
                                             {"wte.lora.a", at::full({7, 1}, 1.F), {}}};
  const auto knows = [&](const char* now) { return FittingAdapters(*files, path, parameters, embedding, now).knows_tokens(); };
  write_adapters(*files, path, parameters, embedding, kBase, "then");
  CHECK(knows("then"));
  CHECK_THROWS_WITH(knows("now"), Contains("the adapter of 'wte' has rows of other tokens"));
  CHECK_FALSE(knows(""));
  write_adapters(*files, path, parameters, embedding, kBase);
  CHECK_FALSE(knows("now"));

  const std::vector<AdapterInfo> other = {{"blocks.0.attn.qkv", "lora", {{"rank", 1}}}};
  const std::vector<Parameter> block = {{"blocks.0.attn.qkv.lora.a", at::full({7, 1}, 1.F), {}}};
  write_adapters(*files, path, block, other, kBase, "then");
  CHECK(FittingAdapters(*files, path, block, other, "now").knows_tokens());
}
