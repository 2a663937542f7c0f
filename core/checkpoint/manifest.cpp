#include "core/checkpoint/manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "core/base/json_fault.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "gptcore-checkpoint";
constexpr int kVersion = 1;
constexpr size_t kHashDigits = 32;
constexpr std::string_view kTail = "\"\n}\n";  // after the manifest's own hash, which covers all bytes before its digits

[[noreturn]] void refuse(const std::string& what, const std::string& where) {
  throw Error(Code::checkpoint_corrupt, "not a valid manifest: " + what, "the checkpoint is damaged; use another one", where);
}

FileRecord to_record(const Json& json, const std::string& where) {
  FileRecord record{json.at("name"), json.at("size").get<uint64_t>(), json.at("xxh3")};
  if (const auto problem = file_name_problem(record.name); !problem.empty()) refuse(problem, where);
  return record;
}

}  // namespace

const FileRecord* CheckpointManifest::find(std::string_view name) const {
  const auto found = std::find_if(files.begin(), files.end(), [&](const FileRecord& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::string file_name_problem(std::string_view name) {
  constexpr size_t kLongest = 100;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
  if (name.empty() || name.size() > kLongest || !plain || name.front() == '.' || name == kManifestFile) {
    return "a file of a checkpoint cannot be called '" + (plain ? std::string(name.substr(0, kLongest)) : "(odd name)") + "'";
  }
  return {};
}

std::string format_checkpoint_manifest(const CheckpointManifest& manifest) {
  Json files = Json::array();
  for (const FileRecord& file : manifest.files)
    files.push_back({{"name", file.name}, {"size", file.size}, {"xxh3", file.xxh3}});
  const Json json = {{"format", kFormat}, {"version", kVersion}, {"step", manifest.step}, {"files", files}, {"xxh3", ""}};
  std::string text = json.dump(2) + "\n";
  text.resize(text.size() - kTail.size());
  const std::string hash = xxh3_hex(text);
  return text.append(hash).append(kTail);
}

CheckpointManifest parse_checkpoint_manifest(std::string_view text, const std::string& where) {
  if (text.size() < kHashDigits + kTail.size() || !text.ends_with(kTail)) refuse("it is truncated", where);
  const size_t covered = text.size() - kHashDigits - kTail.size();
  const std::string hash = xxh3_hex(text.substr(0, covered));
  const std::string_view recorded = text.substr(covered, kHashDigits);
  if (recorded != hash) refuse("its hash is " + hash + ", but it records another", where);
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != kFormat) refuse("its format is not " + std::string(kFormat), where);
    if (json.at("version") != kVersion) refuse("its version is not " + std::to_string(kVersion), where);
    CheckpointManifest manifest{json.at("step").get<int64_t>(), {}};
    for (const Json& file : json.at("files")) manifest.files.push_back(to_record(file, where));
    return manifest;
  } catch (const Json::exception& e) {
    refuse(json_fault(e.what()), where);
  }
}

std::string file_problem(FileSystem& files, const std::filesystem::path& directory, const FileRecord& record) {
  const auto path = directory / record.name;
  const FileKind kind = files.kind(path);
  if (kind != FileKind::file) return kind == FileKind::absent ? "it is missing" : "it is not a regular file";
  const auto file = files.open(path);
  if (file->size() != record.size) {
    return "it has " + std::to_string(file->size()) + " bytes, the manifest says " + std::to_string(record.size);
  }
  Xxh3 hash;
  std::vector<std::byte> piece(std::min<uint64_t>(kPieceBytes, record.size));
  for (uint64_t offset = 0; offset < record.size;) {
    const size_t got = file->read_at(offset, piece);
    if (got == 0) return "it ends at byte " + std::to_string(offset);
    hash.update({piece.data(), got});
    offset += got;
  }
  const std::string found = hash.hex();
  return found == record.xxh3 ? "" : "its xxh3 is " + found + ", the manifest says " + record.xxh3;
}

}  // namespace gptcore
