// gptcore data: what files of tokens hold.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/gptcore/command_line.h"
#include "apps/gptcore/engine_library.h"
#include "apps/gptcore/json_output.h"
#include "apps/gptcore/option_values.h"
#include "apps/gptcore/pipeline_file.h"
#include "apps/gptcore/text_table.h"
#include "apps/gptcore/verbs.h"
#include "core/base/text.h"
#include "core/data/corpus/id_width.h"
#include "core/data/corpus/inspection.h"
#include "core/plugin/probe.h"
#include "core/plugin/progress.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

VerbOptions data_options() {
  VerbOptions options;
  options.visible.add_options()("dtype", po::value<std::string>()->default_value("auto")->value_name("auto|uint16|uint32"),
                                "of ids that neither a header nor a file beside them describes");
  options.visible.add_options()("json", po::bool_switch(), "print one JSON object");
  options.positional.add_options()("path", po::value<std::string>());
  options.order.add("path", 1);
  return options;
}

VerbOptions data_sample_options() {
  VerbOptions options = data_options();
  options.visible.add_options()("split", po::value<std::string>()->default_value("train")->value_name("train|val"),
                                "of a prepared folder");
  options.visible.add_options()("at", po::value<int64_t>()->default_value(0)->value_name("N"), "first token");
  options.visible.add_options()("tokens", po::value<int64_t>()->default_value(200)->value_name("N"), "how many");
  options.visible.add_options()("config", po::value<std::string>()->value_name("FILE"),
                                "pipeline whose [tokenizer] decodes; a prepared folder knows its own");
  return options;
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
  if (m.skipped > 0)
    std::printf("  %s records could not be used and were skipped, the first %s\n", grouped(m.skipped).c_str(),
                m.first_skipped.c_str());
  if (m.left_out > 0) std::printf("  %s documents without text were left out\n", grouped(m.left_out).c_str());
}

// What an action's arguments name.
struct Named {
  std::string path;
  TokenFolder folder;
};

Named named_by(const VerbArguments& given, const std::string& action) {
  const auto dtype = given.get<std::string>("dtype");
  Named named;
  named.path = given.get<std::string>("path");
  if (named.path.empty()) throw Error(Code::usage, "data " + action + " expects a path", "gptcore data " + action + " PATH");
  if (width_of(dtype) == 0 && dtype != "auto")
    throw Error(Code::usage, "'--dtype' expects auto, uint16 or uint32, got '" + dtype + "'");
  named.folder = open_tokens(named.path, width_of(dtype));
  return named;
}

int info(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  const VerbArguments given = parse_arguments(data_options(), arguments);
  const Named named = named_by(given, "info");
  if (given.get<bool>("json"))
    print_json(json_of(named.folder));
  else
    print_info(named.folder);
  return 0;
}

int verify(const std::vector<std::string>& arguments, const std::vector<std::string>&) {
  const VerbArguments given = parse_arguments(data_options(), arguments);
  Named named = named_by(given, "verify");
  const bool hashed = named.folder.manifest.has_value();
  const char* const unit = hashed ? "B" : "tokens";
  int64_t most = 0;
  {
    Progress progress(standard_progress());
    most = largest_id(named.folder, [&](int64_t done, int64_t total) { progress.update("verifying", done, total, unit); });
  }
  if (given.get<bool>("json"))
    print_json({{"path", named.path}, {"ok", true}, {"hashes", hashed}, {"largest_id", most}});
  else
    std::printf("%s: %s, largest id %s\n", named.path.c_str(),
                hashed ? "every shard is as it was written" : "every header fits its file", grouped(most).c_str());
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

int sample(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  const VerbArguments given = parse_arguments(data_sample_options(), arguments);
  const auto [path, folder] = named_by(given, "sample");
  DataSampleRequest request;
  const std::string split = given.get<std::string>("split");
  if (split != "train" && split != "val") throw Error(Code::usage, "'--split' expects train or val, got '" + split + "'");
  const auto* shards = folder.manifest ? &folder.manifest->splits[split == "train" ? 0 : 1] : nullptr;
  for (const TokenFile& file : folder.files) {
    const std::string name = fs::path(file.path()).filename().string();
    const auto is_this = [&](const ShardInfo& shard) { return shard.name == name; };
    if (!shards || std::any_of(shards->begin(), shards->end(), is_this)) request.files.push_back(file.path());
  }
  request.raw_width = folder.files.empty() ? 0 : folder.files.front().layout().width;
  request.flag = folder.manifest ? folder.manifest->shards.flag : 0;
  request.first = given.get<int64_t>("at");
  request.count = given.get<int64_t>("tokens");
  request.json = given.get<bool>("json");
  require_at_least("at", 0, request.first);
  require_at_least("tokens", 1, request.count);
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

const std::vector<Action>& data_actions() {
  static const std::vector<Action> all = {
      {"info", "PATH [--json] [--dtype TYPE]", "what a folder or file of tokens holds", data_options, info},
      {"verify", "PATH [--json] [--dtype TYPE]", "reads all of it and compares the hashes with the manifest's", data_options,
       verify},
      {"sample", "PATH [--split SPLIT] [--at N] [--tokens N] [--config FILE] [--json] [--dtype TYPE]",
       "some of its tokens, decoded", data_sample_options, sample},
  };
  return all;
}

int data_verb(const std::vector<std::string>& arguments, const std::vector<std::string>& plugin_files) {
  return run_action("data", data_actions(), arguments, plugin_files);
}

}  // namespace gptcore
