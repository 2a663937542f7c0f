#include "core/checkpoint/run_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

using Path = std::filesystem::path;

constexpr const char* kProbe = ".probe-";

void remove_if_there(FileSystem& files, const Path& path) {
  try {
    if (files.kind(path) == FileKind::file) files.remove_file(path);
  } catch (const Error&) {  // which is not what the caller is about
  }
}

void probe(FileSystem& files, const Path& run_dir) {
  const std::string name = kProbe + std::to_string(::getpid());
  const Path first = run_dir / name, second = run_dir / (name + "-renamed");
  try {
    const auto file = files.create(first);
    file->write(bytes_of("gptcore\n"));
    file->sync();
    file->close();
    files.rename_new(first, second);
    files.sync_directory(run_dir);
    files.remove_file(second);
  } catch (const Error&) {
    remove_if_there(files, first);
    remove_if_there(files, second);
    throw;
  }
}

// Those of processes that were killed between a probe's calls. Another process may be probing right now, and then be locked
// out.
void remove_old_probes(FileSystem& files, const Path& run_dir) {
  for (const FileEntry& entry : files.list(run_dir)) {
    pid_t pid = 0;
    const char *begin = entry.name.data() + std::strlen(kProbe), *end = entry.name.data() + entry.name.size();
    if (entry.kind != FileKind::file || !entry.name.starts_with(kProbe)) continue;
    if (std::from_chars(begin, end, pid).ec == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH)
      remove_if_there(files, run_dir / entry.name);
  }
}

[[noreturn]] void refuse_existing(const Path& run_dir, const std::vector<int64_t>& steps) {
  std::string what = "the folder already holds a run";
  if (!steps.empty()) {
    what += " with " + std::to_string(steps.size()) + " checkpoint" + (steps.size() == 1 ? "" : "s") + ", the newest " +
            step_name(steps.front());
  }
  throw Error(Code::run_exists, what,
              "continue it without --resume, move it aside with --overwrite, or give this run another run.name",
              run_dir.string());
}

// The path without links, as far as it is there.
Path through_links(const Path& path) {
  return folder_path(std::filesystem::weakly_canonical(path));
}

// Damaged ones included.
bool holds_checkpoints(FileSystem& files, const Path& run_dir) {
  const Path folder = checkpoint_folder(run_dir);
  if (files.kind(folder) != FileKind::directory) return false;
  const auto entries = files.list(folder);
  return std::any_of(entries.begin(), entries.end(), [](const FileEntry& entry) { return entry.name.starts_with("step-"); });
}

// A checkpoint given by path may start a run in this folder when the folder holds none, or none later than it.
void check_given(FileSystem& files, const Path& run_dir, const Checkpoint& given) {
  const std::vector<int64_t> steps = list_steps(files, checkpoint_folder(run_dir));
  const bool own_newest = is_saved_by(given.directory, run_dir) && !steps.empty() &&
                          through_links(given.directory).filename() == step_name(steps.front());
  if (holds_checkpoints(files, run_dir) && !own_newest) refuse_existing(run_dir, steps);
}

}  // namespace

Path folder_path(const Path& path) {
  const Path whole = std::filesystem::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

bool is_inside(const Path& path, const Path& folder) {
  const Path relative = through_links(path).lexically_relative(through_links(folder));
  return !relative.empty() && *relative.begin() != "..";
}

void prepare_run_folder(FileSystem& files, const Path& given) {
  const Path run_dir = folder_path(given);
  const FileKind kind = files.kind(run_dir);
  if (kind != FileKind::absent && kind != FileKind::directory) {
    throw Error(Code::io, "the run folder cannot be made: a file of that name is in the way",
                "remove it, or choose another run.name or run.out_dir", run_dir.string());
  }
  std::vector<Path> made;
  try {
    made = make_directories(files, run_dir);
    probe(files, run_dir);
  } catch (const Error& e) {
    remove_directories(files, made);
    throw Error(e.code(), std::string("the run folder is not usable: ") + e.what(),
                "make it writable, free some space, or set run.out_dir to another place", run_dir.string());
  }
}

bool holds_run(FileSystem& files, const Path& run_dir) {
  return holds_checkpoints(files, run_dir) || files.kind(run_dir / "progress.json") == FileKind::file ||
         files.kind(run_dir / "metrics.jsonl") == FileKind::file;
}

bool is_saved_by(const Path& directory, const Path& run_dir) {
  std::error_code absent;
  return std::filesystem::equivalent(through_links(directory).parent_path(), checkpoint_folder(run_dir), absent);
}

Path move_aside(FileSystem& files, const Path& given) {
  const Path run_dir = folder_path(given);
  Path aside;
  for (int n = 1; aside.empty() || files.kind(aside) != FileKind::absent; ++n) {
    aside = run_dir;
    aside += ".old-" + std::to_string(n);
  }
  files.rename_new(run_dir, aside);
  files.sync_directory(run_dir.parent_path());
  return aside;
}

RunFolder open_run_folder(FileSystem& files, const Path& given, const std::string& resume, bool overwrite,
                          const StoreOptions& options) {
  const Path run_dir = folder_path(given);
  std::optional<Checkpoint> from;
  if (resume != "auto" && resume != "never") from = open_checkpoint(files, resume);  // before anything is made here
  if (from && overwrite && is_inside(from->directory, run_dir)) {
    throw Error(Code::conflict, "--overwrite would move the checkpoint to resume from", "give this run another run.name",
                run_dir.string());
  }
  prepare_run_folder(files, run_dir);
  RunLock lock(run_dir);
  remove_old_probes(files, run_dir);
  if (overwrite && holds_run(files, run_dir)) {
    const Path aside = move_aside(files, run_dir);  // together with the lock, which we still hold
    if (options.report) options.report(Level::info, "moved the run that was here to '" + aside.string() + "'");
    prepare_run_folder(files, run_dir);
    lock = RunLock(run_dir);
  }
  if (from) {
    check_given(files, run_dir, *from);
  } else if (resume == "never") {
    if (holds_run(files, run_dir)) refuse_existing(run_dir, list_steps(files, checkpoint_folder(run_dir)));
  } else {
    from = CheckpointStore(files, run_dir, options).find_latest();
  }
  return {std::move(lock), std::move(from)};
}

}  // namespace gptcore
