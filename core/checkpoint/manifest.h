// manifest.json lists the files of a checkpoint, with the size and hash of each, and a hash of the manifest itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gptcore {

class FileSystem;

constexpr std::string_view kManifestFile = "manifest.json";

struct FileRecord {
  std::string name;
  uint64_t size = 0;
  std::string xxh3;
};

struct CheckpointManifest {
  int64_t step = 0;
  std::vector<FileRecord> files;  // in the order of names
  const FileRecord* find(std::string_view name) const;
};

// Returns why a file of a checkpoint may not have that name, or "". A name has letters, digits, '.', '_' and '-', and does not
// start with a dot.
std::string file_name_problem(std::string_view name);

std::string format_checkpoint_manifest(const CheckpointManifest& manifest);
// Throws Error(checkpoint_corrupt) at `where` unless every byte is as format_checkpoint_manifest wrote it.
CheckpointManifest parse_checkpoint_manifest(std::string_view text, const std::string& where);

// Returns in words how a file differs from its record, or "" when it does not.
std::string file_problem(FileSystem& files, const std::filesystem::path& directory, const FileRecord& record);

}  // namespace gptcore
