#include "core/pipeline/adapter_files.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "core/base/json_fault.h"
#include "core/base/text.h"
#include "core/config/document.h"
#include "core/model/structure.h"
#include "core/pipeline/tensor_files.h"
#include "gptcore/error.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "gptcore-adapters";
constexpr const char* kVersion = "1";

const AdapterInfo* owner_of(const std::string& name, const std::vector<AdapterInfo>& adapters) {
  const auto found =
      std::find_if(adapters.begin(), adapters.end(), [&](const AdapterInfo& a) { return name.starts_with(adapter_prefix(a)); });
  return found == adapters.end() ? nullptr : &*found;
}

// Writes values as TOML text, so that they come back with their types.
Json json_of(const Table& table) {
  Json json = Json::object();
  for (const auto& [key, value] : table)
    if (!value.empty()) json[key] = to_toml(value);
  return json;
}

Table table_of(const Json& json) {
  Table table;
  for (const auto& [key, text] : json.get_ref<const Json::object_t&>())
    table.emplace_back(key, parse_value(text.get<std::string>()));
  return table;
}

std::string hash_of_shapes(const std::vector<Parameter>& parameters, const std::vector<AdapterInfo>& adapters) {
  std::set<std::string> lines;
  for (const Parameter& p : parameters)
    if (!owner_of(p.name, adapters)) lines.insert(p.name + " " + shape_text(p.tensor.sizes()) + "\n");
  std::string text;
  for (const std::string& line : lines) text += line;
  return xxh3_hex(text);
}

std::vector<AdapterInfo> adapters_in(const Json& json) {
  std::vector<AdapterInfo> adapters;
  for (const Json& entry : json) {
    AdapterInfo adapter{entry.at("layer").get<std::string>(), entry.at("use").get<std::string>(), table_of(entry.at("values"))};
    if (owner_of(adapter_prefix(adapter), adapters))
      throw std::runtime_error("the adapter of '" + adapter.layer + "' occurs twice");
    adapters.push_back(std::move(adapter));
  }
  return adapters;
}

// Throws unless every tensor belongs to an adapter and every adapter has a tensor.
void check_tensors(const SafetensorsFile& file, const std::vector<AdapterInfo>& adapters) {
  std::set<const AdapterInfo*> filled;
  for (const TensorInfo& tensor : file.tensors()) {
    const AdapterInfo* owner = owner_of(tensor.name, adapters);
    if (!owner) throw std::runtime_error("tensor '" + tensor.name + "' belongs to no adapter that the file names");
    if (tensor.dtype != Dtype::f32) throw std::runtime_error("tensor '" + tensor.name + "' is not float32");
    filled.insert(owner);
  }
  for (const AdapterInfo& adapter : adapters)
    if (!filled.contains(&adapter)) throw std::runtime_error("the adapter of '" + adapter.layer + "' has no tensors");
}

AdapterFile parse_adapter_file(const SafetensorsFile& file, const std::string& where) {
  const Metadata& metadata = file.metadata();
  const auto format = metadata.find("format"), version = metadata.find("version");
  if (format == metadata.end() || format->second != kFormat)
    throw Error(Code::checkpoint_mismatch, "the file holds no adapters that gptcore has written",
                "a whole model is in a run's folder; gptcore inspect FILE shows what this is", where);
  try {
    if (version == metadata.end()) throw std::runtime_error("it has no version");
    if (version->second != kVersion)
      throw Error(Code::checkpoint_mismatch, "adapter files of version " + version->second + " are not supported",
                  "use the gptcore that wrote it", where);
    AdapterFile out{metadata.at("gptcore"), table_of(Json::parse(metadata.at("base"))), metadata.at("base_shapes"),
                    adapters_in(Json::parse(metadata.at("adapters"))), ""};
    if (const auto tokens = metadata.find("tokens"); tokens != metadata.end()) out.tokens = tokens->second;
    check_tensors(file, out.adapters);
    return out;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(Code::checkpoint_corrupt, "the file's adapters do not fit its format: " + json_fault(e.what()),
                "use another copy of it", where);
  }
}

// Collects sentences, each with the layers that it holds for: "made for rank 8, this pipeline has 4 (blocks.0.attn.qkv and 3
// more)".
class Findings {
 public:
  void add(const std::string& text, const std::string& layer) {
    const auto same = std::find_if(found_.begin(), found_.end(), [&](const auto& f) { return f.first == text; });
    (same == found_.end() ? found_.insert(same, {text, {}}) : same)->second.push_back(layer);
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& [text, layers] : found_)
      out.push_back(text + " (" + layers.front() +
                    (layers.size() > 1 ? " and " + std::to_string(layers.size() - 1) + " more)" : ")"));
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> found_;
};

// Calls note(key, there, here) for every parameter of an item that has another value.
template <class Note> void compare_values(const Table& there, const Table& here, Note&& note) {
  const auto text = [](const Table& table, const std::string& key) {
    const Value* value = find(table, key);
    return value && !value->empty() ? to_toml(*value) : std::string("absent");
  };
  std::set<std::string> keys;
  for (const Table* table : {&there, &here})
    for (const auto& entry : *table) keys.insert(entry.first);
  for (const std::string& key : keys)
    if (const std::string a = text(there, key), b = text(here, key); a != b) note(key, a, b);
}

// Returns how a tensor of this adapter differs in shape, or "".
std::string shape_difference(const SafetensorsFile& file, const std::vector<Parameter>& parameters,
                             const AdapterInfo& adapter) {
  const std::string prefix = adapter_prefix(adapter);
  size_t own = 0, stored = 0;
  for (const Parameter& p : parameters) {
    if (!p.name.starts_with(prefix)) continue;
    ++own;
    const TensorInfo* info = file.find(p.name);
    const std::string name = "'" + p.name.substr(prefix.size()) + "'";
    if (!info) return name + " is missing";
    if (info->shape != p.tensor.sizes().vec())
      return name + " is " + shape_text(info->shape) + " there and " + shape_text(p.tensor.sizes()) + " here";
  }
  for (const TensorInfo& info : file.tensors()) stored += info.name.starts_with(prefix);
  return stored == own ? "" : "it has more tensors there";
}

struct Comparison {
  Findings wrong, notes;
};

void compare_adapter(const SafetensorsFile& file, const std::vector<Parameter>& parameters, const AdapterInfo& there,
                     const AdapterInfo& here, Comparison& out) {
  const std::string shapes = shape_difference(file, parameters, here);
  bool explained = false;
  compare_values(there.values, here.values, [&](const std::string& key, const std::string& a, const std::string& b) {
    explained = true;
    if (shapes.empty())
      out.notes.add(key + ": " + a + " -> " + b, here.layer);
    else
      out.wrong.add("made for " + key + " " + a + ", this pipeline has " + b, here.layer);
  });
  if (!shapes.empty() && !explained) out.wrong.add(shapes, here.layer);
}

std::vector<AdapterInfo>::const_iterator same(const std::vector<AdapterInfo>& all, const AdapterInfo& one) {
  return std::find_if(all.begin(), all.end(), [&](const AdapterInfo& a) { return a.layer == one.layer && a.item == one.item; });
}

Comparison compare(const SafetensorsFile& file, const std::vector<AdapterInfo>& there, const std::vector<Parameter>& parameters,
                   const std::vector<AdapterInfo>& here) {
  Comparison out;
  for (const AdapterInfo& adapter : here)
    if (const auto saved = same(there, adapter); saved == there.end())
      out.wrong.add("there is no '" + adapter.item + "' for a layer that has one here", adapter.layer);
    else
      compare_adapter(file, parameters, *saved, adapter, out);
  for (const AdapterInfo& adapter : there)
    if (same(here, adapter) == here.end())
      out.wrong.add("it holds '" + adapter.item + "' for a layer that has none here", adapter.layer);
  return out;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (size_t i = 0; i < texts.size() && i < 3; ++i) out += (i ? "; " : "") + texts[i];
  return texts.size() > 3 ? out + "; and " + std::to_string(texts.size() - 3) + " more" : out;
}

std::string base_note(const AdapterFile& file) {
  std::string facts;
  for (const auto& [key, value] : file.base) facts += (facts.empty() ? ": " : ", ") + key + " " + to_toml(value);
  return "they were trained on a base model of other shapes" + facts;
}

SafetensorsFile adapter_tensors(FileSystem& files, const std::filesystem::path& path) {
  if (files.kind(path) != FileKind::file)
    throw Error(Code::data_missing, files.kind(path) == FileKind::absent ? "there is no such file" : "is not a file",
                "give a file of adapters, as adapters.safetensors of a checkpoint is", path.string());
  return SafetensorsFile(files, path);
}

bool has_rows_of_tokens(const AdapterInfo& adapter) {
  return adapter.layer == "wte" || adapter.layer == "lm_head";
}

void fill(const SafetensorsFile& file, const Parameter& p) {
  const at::Tensor home = p.tensor.detach();
  const at::Tensor staging = home.is_cpu() && home.is_contiguous() ? home : at::empty(home.sizes(), at::kFloat);
  file.read_into(p.name, staging.mutable_data_ptr(), staging.nbytes());
  if (!staging.is_same(home)) home.copy_(staging);
}

}  // namespace

CheckpointPart adapter_part(const std::string& file, const std::vector<Parameter>& parameters,
                            const std::vector<AdapterInfo>& adapters, const Table& base, std::vector<at::Tensor>& keep,
                            const std::string& tokens) {
  NamedTensors tensors;
  for (const Parameter& p : parameters)
    if (owner_of(p.name, adapters)) tensors.emplace_back(p.name, p.tensor);
  CheckpointPart part = tensor_part(file, tensors, keep);
  Json list = Json::array();
  for (const AdapterInfo& a : adapters) list.push_back({{"layer", a.layer}, {"use", a.item}, {"values", json_of(a.values)}});
  Metadata& metadata = std::get<TensorPart>(part.content).metadata;
  metadata = {{"format", kFormat},
              {"version", kVersion},
              {"gptcore", GPTCORE_VERSION},
              {"base", json_of(base).dump()},
              {"base_shapes", hash_of_shapes(parameters, adapters)},
              {"adapters", list.dump()}};
  if (!tokens.empty()) metadata.emplace("tokens", tokens);
  return part;
}

void write_adapters(FileSystem& files, const std::filesystem::path& path, const std::vector<Parameter>& parameters,
                    const std::vector<AdapterInfo>& adapters, const Table& base, const std::string& tokens) {
  std::vector<at::Tensor> keep;
  const auto part = std::get<TensorPart>(adapter_part(path.filename(), parameters, adapters, base, keep, tokens).content);
  write_file_atomically(files, path, [&](const std::filesystem::path& temporary) {
    write_safetensors(files, temporary, part.tensors, part.metadata);
  });
}

AdapterFile read_adapter_file(FileSystem& files, const std::filesystem::path& path) {
  return parse_adapter_file(SafetensorsFile(files, path), path.string());
}

std::string adapters_without_place(FileSystem& files, const std::filesystem::path& path,
                                   const std::vector<Parameter>& parameters, std::vector<AdapterInfo> adapters) {
  const SafetensorsFile file(files, path);
  std::vector<AdapterInfo> there = parse_adapter_file(file, path.string()).adapters;
  std::erase_if(there, [&](const AdapterInfo& a) { return has_rows_of_tokens(a) && same(adapters, a) != adapters.end(); });
  std::erase_if(adapters, [&](const AdapterInfo& adapter) { return same(there, adapter) == there.end(); });
  return joined(compare(file, there, parameters, adapters).wrong.lines());
}

FittingAdapters::FittingAdapters(FileSystem& files, const std::filesystem::path& path, std::vector<Parameter> parameters,
                                 std::vector<AdapterInfo> adapters, const std::string& tokens)
    : parameters_(std::move(parameters)), adapters_(std::move(adapters)), file_(adapter_tensors(files, path)) {
  const AdapterFile saved = parse_adapter_file(file_, path.string());
  const Comparison found = compare(file_, saved.adapters, parameters_, adapters_);
  if (const std::vector<std::string> wrong = found.wrong.lines(); !wrong.empty())
    throw Error(Code::checkpoint_mismatch, "the file's adapters are not this pipeline's: " + joined(wrong),
                "write the [[adapter]] tables as they were then", path.string());
  const auto of_tokens = std::find_if(adapters_.begin(), adapters_.end(), has_rows_of_tokens);
  knows_tokens_ = of_tokens == adapters_.end() || (!saved.tokens.empty() && !tokens.empty());
  if (of_tokens != adapters_.end() && knows_tokens_ && saved.tokens != tokens)
    throw Error(
        Code::checkpoint_mismatch,
        "the adapter of '" + of_tokens->layer +
            "' has rows of other tokens than this run's: its tokenizer, or the part of it that the data showed, was different",
        "give the run the tokenizer and the data of the adapter's run, or leave load out", path.string());
  notes_ = found.notes.lines();
  if (saved.base_shapes != hash_of_shapes(parameters_, adapters_)) notes_.push_back(base_note(saved));
}

std::vector<std::string> FittingAdapters::load() const {
  const at::NoGradGuard no_grad;
  for (const Parameter& p : parameters_)
    if (owner_of(p.name, adapters_)) fill(file_, p);
  return notes_;
}

}  // namespace gptcore
