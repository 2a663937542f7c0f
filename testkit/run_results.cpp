#include "testkit/run_results.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/file_system.h"
#include "core/checkpoint/checkpoint.h"
#include "core/pipeline/run_state.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

at::ScalarType type_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
      return at::kFloat;
    case Dtype::i32:
      return at::kInt;
    case Dtype::i64:
      return at::kLong;
    case Dtype::bf16:
      return at::kBFloat16;
    case Dtype::f16:
      return at::kHalf;
    default:
      throw Error(Code::internal, "runs write no tensors of type " + std::string(dtype_name(dtype)));
  }
}

Value value_of(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (json.is_array()) {
    List list;
    for (const Json& element : json) list.push_back(value_of(element));
    return list;
  }
  Table table;
  for (const auto& [key, element] : json.items()) table.emplace_back(key, value_of(element));
  return table;
}

std::optional<Event> event_named(const std::string& name) {
  for (int i = 0; i < kEvents; ++i)
    if (name == name_of(static_cast<Event>(i))) return static_cast<Event>(i);
  return std::nullopt;
}

std::optional<double> number(const Value& value) {
  if (value.is<double>()) return value.as<double>();
  if (value.is<int64_t>()) return static_cast<double>(value.as<int64_t>());
  return std::nullopt;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

}  // namespace

TensorsByName checkpoint_tensors(const std::filesystem::path& path, const std::string& file) {
  const auto files = posix_file_system();
  const SafetensorsFile source = open_checkpoint(*files, path).tensors(*files, file);
  TensorsByName out;
  for (const TensorInfo& info : source.tensors()) {
    const at::Tensor tensor = at::empty(info.shape, at::TensorOptions().dtype(type_of(info.dtype)));
    source.read_into(info.name, tensor.mutable_data_ptr(), tensor.nbytes());
    out.emplace(info.name, tensor);
  }
  return out;
}

std::vector<Record> run_records(const std::filesystem::path& run_dir) {
  std::vector<Record> out;
  std::ifstream in(run_dir / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto event = json.is_object() ? event_named(json.value("event", "")) : std::nullopt;
    if (!event) continue;
    Record record{*event, json.value("step", int64_t{0}), json.value("seconds", 0.0), {}};
    for (const auto& [key, value] : json.items())
      if (key != "event" && key != "step" && key != "seconds") record.fields.emplace_back(key, value_of(value));
    out.push_back(std::move(record));
  }
  return out;
}

Table changed_settings(const std::filesystem::path& run_dir) {
  const auto files = posix_file_system();
  const Checkpoint checkpoint = open_checkpoint(*files, run_dir);
  return parse_state(checkpoint.text(*files, "state.json"), checkpoint.directory.string()).train.settings;
}

std::vector<double> losses(const std::vector<Record>& records) {
  std::vector<double> out;
  for (const Record& r : records)
    if (const Value* loss = find(r.fields, "loss"); loss && r.event == Event::step_ended)
      out.push_back(number(*loss).value_or(std::nan("")));
  return out;
}

std::map<std::string, double> last_metrics(const std::vector<Record>& records) {
  std::map<std::string, double> out;
  for (const Record& r : records) {
    if (r.event != Event::evaluation_ended) continue;
    out.clear();
    for (const auto& [key, value] : r.fields)
      if (const auto n = number(value)) out[key] = *n;
  }
  return out;
}

std::string difference(const TensorsByName& a, const TensorsByName& b) {
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end()) return "'" + name + "' is missing in one of them";
    if (tensor.sizes() != other->second.sizes()) return "'" + name + "' has another shape";
    if (!same_bits(tensor, other->second)) {
      const double apart = (tensor.to(at::kDouble) - other->second.to(at::kDouble)).abs().max().item<double>();
      return "'" + name + "' differs by up to " + std::to_string(apart);
    }
  }
  for (const auto& entry : b)
    if (!a.contains(entry.first)) return "'" + entry.first + "' is missing in one of them";
  return "";
}

}  // namespace gptcore
