// gptcore data: what files of tokens hold.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/text_table.h"
#include "apps/gptcore/verbs.h"
#include "core/data/corpus/inspection.h"
#include "core/plugin/probe.h"
#include "gptcore/error.h"
#include "gptcore/suggest.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const std::vector<std::string> kActions = {"info", "verify", "sample"};

VerbOptions data_options() {
  VerbOptions options;
  options.visible.add_options()("dtype", po::value<std::string>()->default_value("uint16")->value_name("uint16|uint32"),
                                "of ids that neither a header nor a manifest describes");
  options.visible.add_options()("json", po::bool_switch(), "info: print one JSON object");
  options.visible.add_options()("split", po::value<std::string>()->default_value("train")->value_name("train|val"),
                                "sample: of a prepared folder");
  options.visible.add_options()("at", po::value<int64_t>()->default_value(0)->value_name("N"), "sample: first token");
  options.visible.add_options()("tokens", po::value<int64_t>()->default_value(200)->value_name("N"), "sample: how many");
  options.visible.add_options()("config", po::value<std::string>()->value_name("FILE"),
                                "sample: pipeline whose [tokenizer] decodes; a prepared folder knows its own");
  options.positional.add_options()("action", po::value<std::string>());
  options.positional.add_options()("path", po::value<std::string>());
  options.order.add("action", 1).add("path", 1);
  return options;
}

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

Json json_of(const TokenFolder& folder) {
  if (folder.manifest) return Json::parse(folder.manifest->to_json());
  Json files = Json::array();
  for (const TokenFile& file : folder.files)
    files.push_back({{"file", file.path()}, {"format", description_of(file)}, {"tokens", file.tokens()}});
  return {{"files", files}};
}

void print_info(const TokenFolder& folder) {
  std::vector<std::vector<std::string>> rows;
  int64_t sum = 0;
  for (const TokenFile& file : folder.files) {
    rows.push_back({fs::path(file.path()).filename().string(), description_of(file), grouped(file.tokens()) + " tokens"});
    sum += file.tokens();
  }
  std::fputs(aligned(rows, "  ").c_str(), stdout);
  if (!folder.manifest) {
    std::printf("  %s tokens in all\n", grouped(sum).c_str());
    return;
  }
  const CorpusManifest& m = *folder.manifest;
  for (const Split split : {Split::train, Split::val})
    std::printf("  %s: %s tokens, %s documents\n", name_of(split), grouped(m.tokens(split)).c_str(),
                grouped(m.documents(split)).c_str());
  std::printf("  format %s, vocabulary %s, largest id %s\n", name_of(m.shards.format), grouped(m.vocab_size).c_str(),
              grouped(m.max_id()).c_str());
  std::printf("  made of: %s", m.options.c_str());
  if (!m.sources.empty()) std::printf(", %zu files", m.sources.size());
  std::printf("\n");
  if (m.left_out > 0) std::printf("  %s documents without text were left out\n", grouped(m.left_out).c_str());
}

int verify(TokenFolder& folder, const std::string& path) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  auto shown = std::chrono::steady_clock::now();
  const int64_t most = largest_id(folder, [&](int64_t done, int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal || (now - shown < std::chrono::milliseconds(100) && done < total)) return;
    shown = now;
    std::fprintf(stderr, "\rverifying %d%%%s", static_cast<int>(done * 100 / std::max<int64_t>(total, 1)),
                 done == total ? "\n" : "");
  });
  std::printf("%s: %s, largest id %s\n", path.c_str(),
              folder.manifest ? "every shard is as it was written" : "every header fits its file", grouped(most).c_str());
  return 0;
}

// The pipeline whose tokenizer made a folder: what --config names, else what gptcore prepare left there. Absent when neither
// is.
std::optional<Pipeline> tokenizer_of(const VerbArguments& given, const fs::path& folder,
                                     const std::vector<std::string>& plugin_files) {
  std::string file = given.get<std::string>("config");
  if (file.empty() && fs::exists(folder / "tokenizer.toml")) file = (folder / "tokenizer.toml").string();
  if (file.empty()) return std::nullopt;
  return load_with_plugins({file, {}, plugin_files});
}

int sample(const VerbArguments& given, const TokenFolder& folder, const std::string& path, int64_t raw_width,
           const std::vector<std::string>& plugin_files) {
  DataSampleRequest request;
  const std::string split = given.get<std::string>("split");
  if (split != "train" && split != "val") throw Error(Code::usage, "'--split' wants train or val, got '" + split + "'");
  const auto* shards = folder.manifest ? &folder.manifest->splits[split == "train" ? 0 : 1] : nullptr;
  for (const TokenFile& file : folder.files) {
    const std::string name = fs::path(file.path()).filename().string();
    const auto is_this = [&](const ShardInfo& shard) { return shard.name == name; };
    if (!shards || std::any_of(shards->begin(), shards->end(), is_this)) request.files.push_back(file.path());
  }
  request.raw_width = folder.manifest ? folder.manifest->shards.width : raw_width;
  request.flag = folder.manifest ? folder.manifest->shards.flag : 0;
  request.first = given.get<int64_t>("at");
  request.count = given.get<int64_t>("tokens");
  if (const auto pipeline = tokenizer_of(given, path, plugin_files)) {
    request.config = pipeline->config;
    request.plugin_files = files_used(pipeline->config, pipeline->catalog);
    probe_files(request.plugin_files);
    if (const fs::path state = fs::path(path) / kTokenizerStateFile; fs::exists(state))
      request.tokenizer_state = state.string();
  }
  return call(&EngineTable::data_sample, request);
}

}  // namespace

std::string data_help() {
  std::ostringstream out;
  out << "gptcore data info PATH [--json] [--dtype TYPE]\n    what a folder or file of tokens holds\n"
      << "gptcore data verify PATH [--dtype TYPE]\n    reads all of it and compares the hashes with the manifest's\n"
      << "gptcore data sample PATH [--split SPLIT] [--at N] [--tokens N] [--config FILE] [--dtype TYPE]\n"
         "    some of its tokens, decoded\n"
      << data_options().visible;
  return out.str();
}

int data_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(data_options(), arguments);
  const auto action = given.get<std::string>("action"), path = given.get<std::string>("path"),
             dtype = given.get<std::string>("dtype");
  if (std::find(kActions.begin(), kActions.end(), action) == kActions.end())
    throw Error(Code::usage, action.empty() ? "data wants an action" : "data has no action '" + action + "'",
                did_you_mean(action, kActions, "there are " + listed(kActions)));
  if (path.empty()) throw Error(Code::usage, "data " + action + " wants a path", "gptcore data " + action + " PATH");
  if (dtype != "uint16" && dtype != "uint32") throw Error(Code::usage, "'--dtype' wants uint16 or uint32, got '" + dtype + "'");
  const int64_t raw_width = dtype == "uint16" ? 2 : 4;
  TokenFolder folder = open_tokens(path, raw_width);
  if (action == "verify") return verify(folder, path);
  if (action == "sample") return sample(given, folder, path, raw_width, plugin_files);
  if (given.get<bool>("json"))
    std::printf("%s\n", json_of(folder).dump(2).c_str());
  else
    print_info(folder);
  return 0;
}

}  // namespace gptcore
