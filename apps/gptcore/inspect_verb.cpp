#include "apps/gptcore/inspect_verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/file_system.h"
#include "core/checkpoint/inspection.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.get_ref<const std::string&>();
}

size_t widest(const Json& rows, const char* key) {
  size_t width = 0;
  for (const Json& row : rows) width = std::max(width, text_of(row[key]).size());
  return width;
}

void print_tensors(const Json& file) {
  fmt::print("{}: {} tensors, {} elements, {} bytes of data, {} bytes in all\n", text_of(file["path"]),
             file["tensor_count"].dump(), file["elements"].dump(), file["data_bytes"].dump(), file["size"].dump());
  const size_t width = widest(file["tensors"], "name");
  for (const Json& tensor : file["tensors"]) {
    fmt::print("  {:{}}  {:4}  {:16}  {:>12}{}\n", text_of(tensor["name"]), width, text_of(tensor["dtype"]),
               tensor["shape"].dump(), tensor["bytes"].dump(),
               tensor.contains("xxh3") ? "  " + text_of(tensor["xxh3"]) : std::string());
  }
  for (const auto& [key, value] : file["metadata"].items()) fmt::print("  {} = {}\n", Json(key).dump(), value.dump());
}

void print_checkpoint(const Json& checkpoint) {
  fmt::print("{}: step {}, {}\n", text_of(checkpoint["path"]), checkpoint["step"].dump(),
             checkpoint["whole"].get<bool>() ? "whole" : "DAMAGED");
  const size_t width = widest(checkpoint["files"], "name");
  for (const Json& file : checkpoint["files"]) {
    const std::string problem = text_of(file["problem"]);
    fmt::print("  {:{}}  {:>12} bytes  {}\n", text_of(file["name"]), width, file["size"].dump(),
               problem.empty() ? "ok" : "DAMAGED: " + problem);
  }
  for (const auto& [key, value] : checkpoint["state"].items()) fmt::print("  {} = {}\n", key, value.dump());
  if (checkpoint["config"].is_string()) fmt::print("  config = {}\n", text_of(checkpoint["config"]));
  for (const Json& file : checkpoint["contents"]) print_tensors(file);
}

}  // namespace

VerbOptions inspect_options() {
  VerbOptions options;
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.visible.add_options()("hash", po::bool_switch(), "hash the data of every tensor (xxh3, 128 bits)");
  options.positional.add_options()("path", po::value<std::string>());
  options.order.add("path", 1);
  return options;
}

std::string inspect_help() {
  std::ostringstream out;
  out << "gptcore inspect FILE.safetensors|CHECKPOINT|RUN [options]\n"
         "Shows the tensors and metadata of a safetensors file, or a checkpoint's (a run's newest)\n"
         "step, state, tensors and whether every file is as it was written.\n"
      << inspect_options().visible;
  return out.str();
}

int inspect_verb(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  const VerbArguments given = parse_arguments(inspect_options(), arguments);
  if (!given.values.count("path"))
    throw Error(Code::usage, "inspect expects a .safetensors file, a checkpoint's folder or a run's",
                "gptcore inspect runs/NAME");
  const auto files = posix_file_system();
  const Json report = inspect_path(*files, given.get<std::string>("path"), given.get<bool>("hash"));
  if (given.get<bool>("json")) {
    fmt::print("{}\n", report.dump(2));
  } else if (report["kind"] == "checkpoint") {
    print_checkpoint(report);
  } else {
    print_tensors(report);
  }
  return report["whole"].get<bool>() ? 0 : exit_code(Code::checkpoint_corrupt);
}

}  // namespace gptcore
