#include "core/checkpoint/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr const char* kStepPrefix = "step-";
constexpr const char* kBestPrefix = "best-";
constexpr size_t kStepDigits = 9;
constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxTextBytes = uint64_t{1} << 30;  // a tokenizer with its merges is a few MiB

void require_listed(const Checkpoint& checkpoint, const std::string& file) {
  if (checkpoint.has(file)) return;
  throw Error(Code::checkpoint_mismatch, "the checkpoint has no " + file, "", checkpoint.directory.string());
}

std::string numbered(const char* prefix, int64_t step) {
  char text[40];
  std::snprintf(text, sizeof text, "%s%09lld", prefix, static_cast<long long>(step));
  return text;
}

std::optional<int64_t> parse_numbered(const char* prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = name.substr(std::string_view(prefix).size());
  int64_t step = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  const bool whole = problem == std::errc() && end == digits.data() + digits.size() && digits.size() >= kStepDigits;
  return whole && step >= 0 && numbered(prefix, step) == name ? std::optional(step) : std::nullopt;
}

}  // namespace

std::string Checkpoint::text(FileSystem& files, const std::string& file) const {
  require_listed(*this, file);
  return read_text(files, directory / file, kMaxTextBytes);
}

SafetensorsFile Checkpoint::tensors(FileSystem& files, const std::string& file) const {
  require_listed(*this, file);
  return {files, directory / file};
}

std::filesystem::path checkpoint_folder(const std::filesystem::path& run_dir) {
  return run_dir / "ckpt";
}

std::string step_name(int64_t step) {
  return numbered(kStepPrefix, step);
}

std::optional<int64_t> parse_step_name(std::string_view name) {
  return parse_numbered(kStepPrefix, name);
}

std::string best_name(int64_t step) {
  return numbered(kBestPrefix, step);
}

std::optional<int64_t> parse_checkpoint_name(std::string_view name) {
  const auto step = parse_step_name(name);
  return step ? step : parse_numbered(kBestPrefix, name);
}

std::vector<int64_t> list_steps(FileSystem& files, const std::filesystem::path& folder) {
  std::vector<int64_t> steps;
  if (files.kind(folder) != FileKind::directory) return steps;
  for (const FileEntry& entry : files.list(folder)) {
    const auto step = parse_step_name(entry.name);
    if (step && entry.kind == FileKind::directory) steps.push_back(*step);
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

std::optional<std::string> read_hint(FileSystem& files, const std::filesystem::path& folder, std::string_view name) {
  constexpr uint64_t kLongest = 64;
  if (files.kind(folder / name) != FileKind::file) return std::nullopt;
  std::string text(kLongest, '\0');
  text.resize(files.open(folder / name)->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  if (text.ends_with('\n')) text.pop_back();
  return parse_checkpoint_name(text) ? std::optional(text) : std::nullopt;
}

bool is_marked_best(FileSystem& files, const std::filesystem::path& directory) {
  try {
    return read_checkpoint_manifest(files, directory).find(kBestMark) != nullptr;
  } catch (const Error& e) {
    if (e.code() != Code::checkpoint_corrupt) throw;
    return false;
  }
}

std::optional<std::string> find_best(FileSystem& files, const std::filesystem::path& folder) {
  std::optional<std::string> best;
  if (files.kind(folder) != FileKind::directory) return best;
  // "step-..." is later than "best-..." of the same step.
  const auto age = [](const std::string& name) {
    return std::pair(*parse_checkpoint_name(name), name.starts_with(kStepPrefix));
  };
  for (const FileEntry& entry : files.list(folder)) {
    if (entry.kind != FileKind::directory || !parse_checkpoint_name(entry.name)) continue;
    if (best && age(*best) > age(entry.name)) continue;
    if (is_marked_best(files, folder / entry.name)) best = entry.name;
  }
  if (best) return best;
  best = read_hint(files, folder, "BEST");
  return best && files.kind(folder / *best) == FileKind::directory ? best : std::nullopt;
}

CheckpointManifest read_checkpoint_manifest(FileSystem& files, const std::filesystem::path& directory) {
  const auto path = directory / kManifestFile;
  if (files.kind(path) != FileKind::file) {
    throw Error(Code::checkpoint_corrupt, "the checkpoint has no manifest.json", "it is damaged; use another one",
                directory.string());
  }
  if (const uint64_t size = files.open(path)->size(); size > kMaxManifestBytes) {
    throw Error(Code::checkpoint_corrupt, "not a valid manifest: it has " + std::to_string(size) + " bytes", "", path.string());
  }
  return parse_checkpoint_manifest(read_text(files, path, kMaxManifestBytes), path.string());
}

Checkpoint verify_checkpoint(FileSystem& files, const std::filesystem::path& directory) {
  Checkpoint checkpoint{directory, read_checkpoint_manifest(files, directory)};
  const auto named = parse_checkpoint_name(directory.filename().string());
  if (named && *named != checkpoint.step()) {
    throw Error(Code::checkpoint_corrupt,
                "the folder's name does not fit its manifest, which is of step " + std::to_string(checkpoint.step()), "",
                directory.string());
  }
  for (const FileRecord& record : checkpoint.manifest.files) {
    const std::string problem = file_problem(files, directory, record);
    if (problem.empty()) continue;
    throw Error(Code::checkpoint_corrupt, "the checkpoint is damaged: " + problem, "use another checkpoint",
                (directory / record.name).string());
  }
  return checkpoint;
}

Checkpoint open_checkpoint(FileSystem& files, const std::filesystem::path& given, Pick pick) {
  const auto path = given.has_filename() ? given : given.parent_path();  // without a trailing slash
  const auto folder = checkpoint_folder(path);
  const std::vector<int64_t> steps = list_steps(files, folder);
  if (steps.empty()) {
    if (files.kind(path / kManifestFile) == FileKind::file || parse_step_name(path.filename().string())) {
      if (files.kind(path) == FileKind::directory) return verify_checkpoint(files, path);
    }
    throw Error(Code::checkpoint_missing,
                "'" + path.string() + "' " + (files.kind(path) == FileKind::absent ? "does not exist" : "holds no checkpoint"),
                "give a run folder or one of its ckpt/step-* folders");
  }
  if (pick == Pick::best)
    if (const auto best = find_best(files, folder)) return verify_checkpoint(files, folder / *best);
  return verify_checkpoint(files, folder / step_name(steps.front()));
}

std::string told_of_pick(FileSystem& files, const std::filesystem::path& path, const Checkpoint& picked,
                         std::string_view done) {
  const std::vector<int64_t> steps = list_steps(files, checkpoint_folder(path));
  if (steps.empty() || steps.front() <= picked.step()) return "";
  return picked.directory.string() + " is " + std::string(done) + ", the best; the newest is of step " +
         std::to_string(steps.front());
}

}  // namespace gptcore
