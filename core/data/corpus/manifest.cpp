#include "core/data/corpus/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "core/base/json_fault.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kKind = "gptcore tokens";
constexpr int64_t kVersion = 1;
constexpr uint64_t kLargest = uint64_t{64} << 20;

Json json_of(const ShardInfo& s) {
  Json out = {{"name", s.name},     {"tokens", s.tokens}, {"documents", s.documents},
              {"max_id", s.max_id}, {"sha256", s.sha256}, {"end", {s.next_document, s.next_token}}};
  if (!s.documents_sha256.empty()) out["documents_sha256"] = s.documents_sha256;
  return out;
}

ShardInfo shard_of(const Json& json) {
  ShardInfo s;
  s.name = json.at("name").get<std::string>();
  s.tokens = json.at("tokens").get<int64_t>();
  s.documents = json.at("documents").get<int64_t>();
  s.max_id = json.at("max_id").get<int64_t>();
  s.sha256 = json.at("sha256").get<std::string>();
  s.next_document = json.at("end").at(0).get<int64_t>();
  s.next_token = json.at("end").at(1).get<int64_t>();
  if (json.contains("documents_sha256")) s.documents_sha256 = json.at("documents_sha256").get<std::string>();
  if (s.name.empty() || s.name.find('/') != s.name.npos || s.tokens < 1 || s.documents < 0)
    throw std::runtime_error("a shard is described wrongly");
  return s;
}

CorpusManifest manifest_of(const Json& json) {
  if (json.at("kind") != kKind || json.at("version") != kVersion)
    throw std::runtime_error("it is not of kind \"" + std::string(kKind) + "\", version " + std::to_string(kVersion));
  CorpusManifest m;
  m.key = json.at("key").get<std::string>();
  m.shards.format = shard_format(json.at("format").get<std::string>());
  const auto dtype = json.at("dtype").get<std::string>();
  if (dtype != "uint16" && dtype != "uint32") throw std::runtime_error("its dtype is neither uint16 nor uint32");
  m.shards.width = dtype == "uint16" ? 2 : 4;
  m.shards.flag = json.at("flagged").get<bool>() ? kContextFlag : 0;
  m.shards.tokens_per_shard = json.at("tokens_per_shard").get<int64_t>();
  m.vocab_size = json.at("vocab_size").get<int64_t>();
  m.tokenizer = json.at("tokenizer").get<std::string>();
  if (const Json& id = json.at("end_of_text"); !id.is_null()) m.end_of_text = id.get<int64_t>();
  m.options = json.at("options").get<std::string>();
  m.left_out = json.at("left_out").get<int64_t>();
  m.skipped = json.value("skipped", int64_t{0});
  m.first_skipped = json.value("first_skipped", "");
  for (const Json& s : json.at("sources")) m.sources.push_back({s.at("file").get<std::string>(), s.at("bytes").get<int64_t>()});
  for (const Split split : {Split::train, Split::val})
    for (const Json& s : json.at(name_of(split)).at("shards")) m.splits[static_cast<size_t>(split)].push_back(shard_of(s));
  return m;
}

std::vector<std::string> pieces_of(const std::string& options) {
  constexpr std::string_view kBetween = ", ";
  std::vector<std::string> out;
  for (size_t at = 0, end = 0; end != options.npos; at = end + kBetween.size()) {
    end = options.find(kBetween, at);
    out.push_back(options.substr(at, end - at));
  }
  return out;
}

void verify_file(const std::filesystem::path& path, const std::string& sha256, const std::function<void(int64_t)>& read) {
  const auto files = posix_file_system();
  if (files->kind(path) != FileKind::file)
    throw Error(Code::data_missing, "the shard is missing", repair_hint(path.parent_path()), path.string());
  const auto file = files->open(path);
  Sha256 hash;
  std::vector<std::byte> piece(kPieceBytes);
  for (uint64_t at = 0;;) {
    const size_t got = file->read_at(at, piece);
    hash.update(std::span(piece).first(got));
    if (got == 0) break;
    at += got;
    if (read) read(static_cast<int64_t>(got));
  }
  if (const std::string found = hash.hex(); found != sha256)
    throw Error(Code::data_corrupt, "the file has SHA-256 " + found + ", the manifest says " + sha256,
                repair_hint(path.parent_path()), path.string());
}

void check_size(const std::filesystem::path& path, uint64_t wanted) {
  const auto files = posix_file_system();
  if (files->kind(path) != FileKind::file)
    throw Error(Code::data_missing, "the file is missing, which the manifest lists", repair_hint(path.parent_path()),
                path.string());
  if (const uint64_t found = files->open(path)->size(); found != wanted)
    throw Error(
        Code::data_corrupt,
        "the file has " + std::to_string(found) + " bytes; as the manifest describes it, it had " + std::to_string(wanted),
        repair_hint(path.parent_path()), path.string());
}

}  // namespace

int64_t CorpusManifest::tokens(Split split) const {
  int64_t sum = 0;
  for (const ShardInfo& s : splits[static_cast<size_t>(split)]) sum += s.tokens;
  return sum;
}

int64_t CorpusManifest::documents(Split split) const {
  int64_t sum = 0;
  for (const ShardInfo& s : splits[static_cast<size_t>(split)]) sum += s.documents;
  return sum;
}

int64_t CorpusManifest::max_id() const {
  int64_t most = 0;
  for (const auto& shards_of : splits)
    for (const ShardInfo& s : shards_of) most = std::max(most, s.max_id);
  return most;
}

std::string CorpusManifest::to_json() const {
  Json files = Json::array();
  for (const CorpusSource& s : sources) files.push_back({{"file", s.file}, {"bytes", s.bytes}});
  Json out = {{"kind", kKind},
              {"version", kVersion},
              {"key", key},
              {"format", name_of(shards.format)},
              {"dtype", shards.width == 2 ? "uint16" : "uint32"},
              {"flagged", shards.flag != 0},
              {"tokens_per_shard", shards.tokens_per_shard},
              {"vocab_size", vocab_size},
              {"tokenizer", tokenizer},
              {"end_of_text", end_of_text ? Json(*end_of_text) : Json()},
              {"options", options},
              {"left_out", left_out},
              {"sources", files}};
  if (skipped > 0) {
    out["skipped"] = skipped;
    out["first_skipped"] = first_skipped;
  }
  for (const Split split : {Split::train, Split::val}) {
    Json list = Json::array();
    for (const ShardInfo& s : splits[static_cast<size_t>(split)]) list.push_back(json_of(s));
    out[name_of(split)] = {{"tokens", tokens(split)}, {"documents", documents(split)}, {"shards", list}};
  }
  return out.dump(1) + "\n";
}

CorpusManifest read_manifest(const std::filesystem::path& file) {
  const auto files = posix_file_system();
  if (files->kind(file) != FileKind::file)
    throw Error(Code::data_missing, "there is no " + file.filename().string() + " in the folder: it holds no prepared tokens",
                "gptcore prepare makes such a folder", file.parent_path().string());
  const std::string hint = repair_hint(file.parent_path());
  try {
    return manifest_of(Json::parse(read_text(*files, file, kLargest)));
  } catch (const nlohmann::json::exception& e) {
    throw Error(Code::data_corrupt, "cannot be read: " + json_fault(e.what()), hint, file.string());
  } catch (const Error& e) {
    if (!e.where().empty()) throw;
    throw Error(Code::data_corrupt, std::string("cannot be read: ") + e.what(), hint, file.string());
  } catch (const std::runtime_error& e) {
    throw Error(Code::data_corrupt, std::string("cannot be read: ") + e.what(), hint, file.string());
  }
}

ManifestKind manifest_kind(const std::filesystem::path& file) {
  const auto files = posix_file_system();
  if (files->kind(file) != FileKind::file) return ManifestKind::absent;
  const auto json = nlohmann::json::parse(read_text(*files, file, kLargest), nullptr, false);
  if (json.is_discarded()) return ManifestKind::unreadable;
  return json.is_object() && json.value("kind", nlohmann::json()) == kKind &&
                 json.value("version", nlohmann::json()) == kVersion
             ? ManifestKind::ours
             : ManifestKind::other;
}

std::string differences(const CorpusManifest& made, const CorpusManifest& wanted) {
  std::vector<std::string> all;
  const auto compare = [&](const std::string& what, const std::string& then, const std::string& now) {
    if (then != now) all.push_back(what + (what.empty() ? "" : " ") + then + ", not " + now);
  };
  const auto number = [](int64_t n) { return std::to_string(n); };
  const auto id = [](const std::optional<int64_t>& n) { return n ? std::to_string(*n) : std::string("none"); };
  compare("with the format", name_of(made.shards.format), name_of(wanted.shards.format));
  compare("with tokens_per_shard", number(made.shards.tokens_per_shard), number(wanted.shards.tokens_per_shard));
  const std::vector<std::string> then = pieces_of(made.options), now = pieces_of(wanted.options);
  for (size_t i = 0; i < std::max(then.size(), now.size()); ++i)
    compare("with", i < then.size() ? then[i] : "nothing", i < now.size() ? now[i] : "nothing");
  compare("with a vocabulary of", number(made.vocab_size), number(wanted.vocab_size));
  if (made.vocab_size == wanted.vocab_size && made.tokenizer != wanted.tokenizer) all.emplace_back("with another tokenizer");
  compare("with the end of text", id(made.end_of_text), id(wanted.end_of_text));
  for (size_t i = 0; i < std::max(made.sources.size(), wanted.sources.size()); ++i) {
    const auto source = [&](const CorpusManifest& m) {
      return i < m.sources.size() ? m.sources[i].file + " of " + number(m.sources[i].bytes) + " bytes" : std::string("nothing");
    };
    compare("from", source(made), source(wanted));
  }
  if (all.empty()) all.emplace_back("from inputs that have changed since");
  std::string text;
  for (const std::string& one : all) text += (text.empty() ? "" : "; ") + one;
  return text;
}

std::string repair_hint(const std::filesystem::path& folder) {
  return "run the gptcore prepare that made it again, with --out " + folder.string() +
         " and --verify: it rewrites what is damaged; or copy it again";
}

void check_sizes(const std::filesystem::path& folder, const CorpusManifest& manifest) {
  for (const auto& shards : manifest.splits)
    for (const ShardInfo& shard : shards) {
      check_size(folder / shard.name, header_bytes(manifest.shards.format) +
                                          static_cast<uint64_t>(shard.tokens) * static_cast<uint64_t>(manifest.shards.width));
      if (!shard.documents_sha256.empty())
        check_size((folder / shard.name).replace_extension(".docs"), static_cast<uint64_t>(shard.documents) * sizeof(uint64_t));
    }
}

void verify_shards(const std::filesystem::path& folder, const CorpusManifest& manifest,
                   const std::function<void(int64_t done, int64_t total)>& progress) {
  int64_t done = 0, total = 0;
  for (const Split split : {Split::train, Split::val}) total += manifest.tokens(split) * manifest.shards.width;
  for (const auto& shards : manifest.splits)
    for (const ShardInfo& shard : shards) {
      verify_file(folder / shard.name, shard.sha256, [&](int64_t bytes) {
        done += bytes;
        if (progress) progress(std::min(done, total - 1), total);
      });
      if (!shard.documents_sha256.empty())
        verify_file((folder / shard.name).replace_extension(".docs"), shard.documents_sha256, {});
    }
  if (progress && total > 0) progress(total, total);
}

}  // namespace gptcore
