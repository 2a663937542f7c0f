#include "core/checkpoint/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kTemporary = ".tmp-";
constexpr std::string_view kTrash = ".trash-";
constexpr std::string_view kReplaced = ".old-";
constexpr std::string_view kCorrupt = ".corrupt";
constexpr const char* kSpaceHint = "free some space on that disk, or set run.out_dir to a folder on another one";

// ".tmp-000001000-5f3a9c01": of no two saves the same, since one that failed may still be there.
std::string hidden_name(std::string_view prefix, int64_t step) {
  return fmt::format("{}{:09}-{:08x}", prefix, step, std::random_device{}());
}

// The step that such a name tells; none when it is no such name.
std::optional<int64_t> parse_hidden_name(std::string_view name) {
  for (const std::string_view prefix : {kTemporary, kTrash, kReplaced}) {
    if (!name.starts_with(prefix)) continue;
    int64_t step = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
    return step;
  }
  return std::nullopt;
}

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string no_space(int64_t step, const Path& folder, uint64_t need, uint64_t available) {
  return fmt::format("saving step {} needs {} in '{}', where {} were free", step, mebibytes(need), folder.string(),
                     mebibytes(available));
}

uint64_t size_of(const CheckpointPart& part) {
  if (const auto* text = std::get_if<std::string>(&part.content)) return text->size();
  const auto& tensors = std::get<TensorPart>(part.content);
  return safetensors_size(tensors.tensors, tensors.metadata);
}

WrittenFile write_text(FileSystem& files, const Path& path, const std::string& text) {
  const auto file = files.create(path);
  file->write(bytes_of(text));
  file->sync();
  file->close();
  return {text.size(), xxh3_hex(text)};
}

// The names of all, best ones too.
std::vector<std::string> checkpoints_in(FileSystem& files, const Path& folder) {
  std::vector<std::string> names;
  if (files.kind(folder) != FileKind::directory) return names;
  for (const FileEntry& entry : files.list(folder))
    if (entry.kind == FileKind::directory && parse_checkpoint_name(entry.name)) names.push_back(entry.name);
  return names;
}

void check_names(int64_t step, const std::vector<CheckpointPart>& parts) {
  if (step < 0) throw Error(Code::internal, "a checkpoint of step " + std::to_string(step));
  std::set<std::string> names;
  for (const CheckpointPart& part : parts) {
    if (const auto problem = file_name_problem(part.file); !problem.empty()) throw Error(Code::internal, problem);
    if (!names.insert(part.file).second) throw Error(Code::internal, "two files of a checkpoint are called " + part.file);
  }
}

}  // namespace

CheckpointStore::CheckpointStore(FileSystem& files, const Path& run_dir, StoreOptions options)
    : files_(files), folder_(checkpoint_folder(run_dir)), options_(std::move(options)) {
  options_.keep = std::max<int64_t>(options_.keep, 1);
  settle_leftovers();
}

Checkpoint CheckpointStore::publish(int64_t step, const std::vector<CheckpointPart>& parts, bool best) {
  check_names(step, parts);
  uint64_t size = 0;
  for (const CheckpointPart& part : parts) size += size_of(part);
  make_directories(files_, folder_);
  const uint64_t need = size + size / 10 + options_.reserve_bytes;
  const uint64_t available = files_.free_bytes(folder_);
  if (available < need) throw Error(Code::disk_full, no_space(step, folder_, need, available), kSpaceHint);

  const bool replaces_best =
      !best && step <= made_best_.value_or(step) &&
      (find_best(files_, folder_) == step_name(step) || read_hint(files_, folder_, "BEST") == step_name(step));
  const Path temporary = folder_ / hidden_name(kTemporary, step);
  const Path committed = folder_ / step_name(step);
  CheckpointManifest manifest;
  std::optional<Path> replaced;
  try {
    manifest = write_parts(temporary, step, parts, best);
    replaced = move_in(temporary, step);
  } catch (const Error& e) {
    try_remove(temporary);
    if (e.code() != Code::disk_full) throw;
    throw Error(Code::disk_full, fmt::format("{}; {}", e.what(), no_space(step, folder_, need, available)), kSpaceHint);
  } catch (...) {
    try_remove(temporary);
    throw;
  }
  files_.sync_directory(folder_);  // now it is committed
  if (replaced && replaces_best)
    keep_best(*replaced, step);
  else if (replaced)
    try_remove(*replaced);
  update_hints(step, best);
  prune(step);
  return {committed, std::move(manifest)};
}

// Gives the complete folder its final name; the place of a checkpoint of that name, if there was one, is returned.
std::optional<Path> CheckpointStore::move_in(const Path& temporary, int64_t step) {
  const Path committed = folder_ / step_name(step);
  if (files_.kind(committed) == FileKind::absent) {
    files_.rename_new(temporary, committed);
    return std::nullopt;
  }
  if (files_.exchange(temporary, committed)) return temporary;
  // This file system cannot exchange. After a crash between the two renames the next start takes the first one back.
  const Path replaced = folder_ / hidden_name(kReplaced, step);
  files_.rename_new(committed, replaced);
  try {
    files_.rename_new(temporary, committed);
  } catch (const Error&) {
    files_.rename_new(replaced, committed);
    throw;
  }
  return replaced;
}

CheckpointManifest CheckpointStore::write_parts(const Path& directory, int64_t step, const std::vector<CheckpointPart>& parts,
                                                bool best) {
  files_.make_directory(directory);
  CheckpointManifest manifest{step, {}};
  for (const CheckpointPart& part : parts) {
    const Path path = directory / part.file;
    const auto* text = std::get_if<std::string>(&part.content);
    const auto* tensors = std::get_if<TensorPart>(&part.content);
    const WrittenFile written =
        text ? write_text(files_, path, *text) : write_safetensors(files_, path, tensors->tensors, tensors->metadata);
    manifest.files.push_back({part.file, written.size, written.xxh3});
  }
  if (best) {
    const WrittenFile mark = write_text(files_, directory / kBestMark, "best\n");
    manifest.files.push_back({kBestMark, mark.size, mark.xxh3});
  }
  std::sort(manifest.files.begin(), manifest.files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  write_text(files_, directory / kManifestFile, format_checkpoint_manifest(manifest));
  files_.sync_directory(directory);
  return manifest;
}

// The checkpoint is committed by now: what fails here is only reported.
void CheckpointStore::update_hints(int64_t step, bool best) {
  try {
    write_file_atomically(files_, folder_ / "LATEST", step_name(step) + "\n");
    if (best) write_file_atomically(files_, folder_ / "BEST", step_name(step) + "\n");
  } catch (const Error& e) {
    report(Level::warning, e.what());
  }
}

// The marks in the checkpoints say which one is the best; BEST repeats that for people, and a kill may have come in between.
void CheckpointStore::derive_best() {
  const auto best = find_best(files_, folder_);
  if (best && read_hint(files_, folder_, "BEST") != best)
    write_file_atomically(files_, folder_ / "BEST", *best + "\n");
  else if (!best && files_.kind(folder_ / "BEST") == FileKind::file)
    files_.remove_file(folder_ / "BEST");
}

// The best model's checkpoint, whose step now holds another one, gets a name of its own.
void CheckpointStore::keep_best(const Path& directory, int64_t step) {
  try {
    const Path best = folder_ / best_name(step);
    if (files_.kind(best) != FileKind::absent) try_remove(best);
    files_.rename_new(directory, best);
    files_.sync_directory(folder_);
    write_file_atomically(files_, folder_ / "BEST", best_name(step) + "\n");
  } catch (const Error& e) {
    report(Level::warning, e.what());
  }
}

void CheckpointStore::prune(int64_t published) {
  try {
    std::set<std::string> kept = {step_name(published)};
    for (const int64_t step : list_steps(files_, folder_)) {
      if (static_cast<int64_t>(kept.size()) < options_.keep) kept.insert(step_name(step));
    }
    for (const auto& best : {find_best(files_, folder_), read_hint(files_, folder_, "BEST")})
      if (best) kept.insert(*best);
    std::vector<std::string> names = checkpoints_in(files_, folder_);
    std::erase_if(names,
                  [&](const std::string& name) { return kept.contains(name) || kept_.contains(*parse_checkpoint_name(name)); });
    remove(names);
  } catch (const Error& e) {
    report(Level::warning, std::string("an old checkpoint was not removed: ") + e.what());
  }
}

void CheckpointStore::remove(const std::vector<std::string>& names) {
  std::vector<Path> trash;
  for (const std::string& name : names) {
    trash.push_back(folder_ / hidden_name(kTrash, *parse_checkpoint_name(name)));
    files_.rename(folder_ / name, trash.back());
  }
  if (trash.empty()) return;
  files_.sync_directory(folder_);  // so that a crash never shows a half-deleted folder under its old name
  for (const Path& directory : trash) try_remove(directory);
}

std::optional<int64_t> CheckpointStore::best() const {
  const auto name = find_best(files_, folder_);
  return name ? parse_checkpoint_name(*name) : std::nullopt;
}

void CheckpointStore::make_best(int64_t step) {
  made_best_ = step;
  std::optional<std::string> best;
  for (const std::string& name : {best_name(step), step_name(step)})
    if (files_.kind(folder_ / name) == FileKind::directory && (!best || is_marked_best(files_, folder_ / name))) best = name;
  if (best) return write_file_atomically(files_, folder_ / "BEST", *best + "\n");
  if (files_.kind(folder_ / "BEST") == FileKind::file) files_.remove_file(folder_ / "BEST");
}

void CheckpointStore::keep_only(int64_t first, int64_t last) {
  std::vector<std::string> names = checkpoints_in(files_, folder_);
  std::erase_if(names, [&](const std::string& name) {
    const int64_t step = *parse_checkpoint_name(name);
    const bool undone = made_best_ && step > *made_best_ && !parse_step_name(name);
    return step >= first && step <= last && !undone;
  });
  // The best one last, so that a kill in between leaves no newest checkpoint without the best one of its time.
  const auto best = std::find(names.begin(), names.end(), find_best(files_, folder_).value_or(""));
  if (best != names.end() && parse_step_name(*best)) std::rotate(best, best + 1, names.end());
  remove(names);
  derive_best();
  made_best_.reset();
}

std::optional<Checkpoint> CheckpointStore::find_latest() {
  if (files_.kind(folder_) != FileKind::directory) return std::nullopt;
  size_t damaged = 0;
  for (const FileEntry& entry : files_.list(folder_)) {
    damaged += entry.name.find(kCorrupt) != std::string::npos && entry.kind == FileKind::directory;
  }
  for (const int64_t step : list_steps(files_, folder_)) {
    const Path directory = folder_ / step_name(step);
    try {
      Checkpoint found = verify_checkpoint(files_, directory);
      if (options_.check) options_.check(found);
      if (read_hint(files_, folder_, "LATEST") != step_name(step)) {
        report(Level::warning, fmt::format("'{}' does not name {}, the newest whole checkpoint; it is ignored",
                                           (folder_ / "LATEST").string(), step_name(step)));
      }
      return found;
    } catch (const Error& e) {
      if (e.code() != Code::checkpoint_corrupt) throw;
      quarantine(directory, e.line());
      ++damaged;
    }
  }
  if (damaged == 0) return std::nullopt;
  throw Error(Code::checkpoint_corrupt,
              fmt::format("all {} checkpoints in '{}' are damaged; nothing to resume from", damaged, folder_.string()),
              "start anew with --overwrite (moves the run aside) or another run.name");
}

void CheckpointStore::quarantine(const Path& directory, const std::string& why) {
  Path aside = directory;
  aside += kCorrupt;
  for (int n = 2; files_.kind(aside) != FileKind::absent; ++n) {
    aside = directory;
    aside += fmt::format("{}-{}", kCorrupt, n);
  }
  try {
    files_.rename_new(directory, aside);
    report(Level::warning, fmt::format("{}; moved to {}, trying an older one", why, aside.filename().string()));
  } catch (const Error& e) {
    report(Level::warning, fmt::format("{}; trying an older one ({})", why, e.what()));
  }
}

void CheckpointStore::settle_leftovers() {
  if (files_.kind(folder_) != FileKind::directory) return;
  for (const FileEntry& entry : files_.list(folder_)) {
    const auto step = parse_hidden_name(entry.name);
    if (!step || entry.kind != FileKind::directory) continue;
    try {
      if (rescue(entry.name, *step)) continue;
    } catch (const Error& e) {
      report(Level::warning,
             fmt::format("'{}', left by a run that was cut off, stays: {}", (folder_ / entry.name).string(), e.what()));
      continue;
    }
    report(Level::info, fmt::format("removing '{}', left by a run that was cut off", (folder_ / entry.name).string()));
    try_remove(folder_ / entry.name);
  }
  try {
    for (const char* hint : {"LATEST.tmp", "BEST.tmp"})
      if (files_.kind(folder_ / hint) == FileKind::file) files_.remove_file(folder_ / hint);
    derive_best();
  } catch (const Error& e) {
    report(Level::warning, e.what());
  }
}

// A checkpoint was being replaced when the run was cut off. Without exchange its place may be empty: then the old one takes it
// again. Where the new one is there, or the old one still is, the hidden one may be the best that there is.
bool CheckpointStore::rescue(const std::string& name, int64_t step) {
  if (name.starts_with(kTrash)) return false;
  const Path hidden = folder_ / name, committed = folder_ / step_name(step);
  const bool empty = files_.kind(committed) == FileKind::absent;
  if (empty && !name.starts_with(kReplaced)) return false;
  try {
    if (!verify_checkpoint(files_, hidden).has(kBestMark) && !empty) return false;
  } catch (const Error& e) {
    if (e.code() != Code::checkpoint_corrupt) throw;
    return false;
  }
  if (!empty) {
    if (is_marked_best(files_, committed)) return false;
    keep_best(hidden, step);
    return true;
  }
  files_.rename_new(hidden, committed);
  files_.sync_directory(folder_);
  return true;
}

void CheckpointStore::try_remove(const Path& directory) {
  try {
    remove_tree(files_, directory);
  } catch (const Error& e) {
    report(Level::warning, e.what());
  }
}

void CheckpointStore::report(Level level, const std::string& text) const {
  if (options_.report) options_.report(level, text);
}

}  // namespace gptcore
