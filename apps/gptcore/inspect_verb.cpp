#include "apps/gptcore/inspect_verb.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/checkpoint/inspection.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
using Json = nlohmann::ordered_json;

constexpr const char* kUsage =
    "usage: gptcore inspect FILE.safetensors | CHECKPOINT | RUN [--json] [--hash]\n"
    "\n"
    "Shows the tensors and metadata of a safetensors file, or a checkpoint's (a run's newest)\n"
    "step, state, tensors and whether every file is as it was written.\n"
    "\n"
    "  --json  print one JSON object\n"
    "  --hash  hash the data of every tensor (xxh3, 128 bits)\n";

struct Arguments {
  std::string path;
  bool json = false, hash = false, help = false;
};

Arguments parse(const std::vector<std::string>& arguments) {
  Arguments parsed;
  po::options_description options;
  options.add_options()("path", po::value(&parsed.path))("json", po::bool_switch(&parsed.json))(
      "hash", po::bool_switch(&parsed.hash))("help,h", po::bool_switch(&parsed.help));
  po::positional_options_description positional;
  positional.add("path", 1);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(arguments).options(options).positional(positional).run(), values);
    po::notify(values);
  } catch (const po::error& e) {
    throw Error(Code::usage, std::string("inspect: ") + e.what(), "see gptcore inspect --help");
  }
  if (parsed.path.empty() && !parsed.help) {
    throw Error(Code::usage, "inspect: no file given", "name a .safetensors file, a checkpoint folder or a run folder");
  }
  return parsed;
}

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

int inspect_verb(const std::vector<std::string>& arguments) {
  const Arguments parsed = parse(arguments);
  if (parsed.help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  const auto files = posix_file_system();
  const Json report = inspect_path(*files, parsed.path, parsed.hash);
  if (parsed.json) {
    fmt::print("{}\n", report.dump(2));
  } else if (report["kind"] == "checkpoint") {
    print_checkpoint(report);
  } else {
    print_tensors(report);
  }
  return report["whole"].get<bool>() ? 0 : exit_code(Code::checkpoint_corrupt);
}

}  // namespace gptcore
