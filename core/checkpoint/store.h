// A run's checkpoints: each appears as a whole by one rename, after all of it is on the disk, and older ones go only then.
// docs/checkpoint.md has the protocol.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "gptcore/host.h"

namespace gptcore {

// Where notes and warnings go; may be empty.
using Report = std::function<void(Level, const std::string&)>;

struct StoreOptions {
  int64_t keep = 2;                            // newest checkpoints kept, besides the best; at least 1
  uint64_t reserve_bytes = uint64_t{4} << 20;  // must stay free on the disk, for logs and hints
  Report report;
  // Asked about each whole checkpoint that find_latest() would return. When it throws Error(checkpoint_corrupt), that one is
  // passed over as a damaged one is. May be empty.
  std::function<void(const Checkpoint&)> check = {};
};

struct TensorPart {
  std::vector<TensorSource> tensors;
  Metadata metadata;
};

// A file of a checkpoint: text, or tensors to be saved as safetensors.
struct CheckpointPart {
  std::string file;  // "model.safetensors", "state.json", ...
  std::variant<std::string, TensorPart> content;
};

// [rank 0], one at a time per run: the caller holds the run's lock. `files` outlives the store.
class CheckpointStore {
 public:
  // Removes what a killed run left half done, saying so; a checkpoint that it was about to replace is put back, or kept as the
  // best one that it is. BEST is made to name what find_best() finds.
  CheckpointStore(FileSystem& files, const std::filesystem::path& run_dir, StoreOptions options = {});

  // When it returns, the checkpoint is complete and on the disk; one of the same step is replaced. Marked `best`, it is
  // kept until another is, also when its step is published again. Throws Error(disk_full) with what is needed and free, or
  // Error(io): then all is as it was before, apart from the very last flush, after whose failure the new checkpoint is whole
  // but may not survive a crash.
  Checkpoint publish(int64_t step, const std::vector<CheckpointPart>& parts, bool best = false);

  // The newest checkpoint that is whole. Damaged newer ones are renamed to step-*.corrupt with a warning. None when the
  // run has never had one; throws Error(checkpoint_corrupt) when all it had are damaged.
  std::optional<Checkpoint> find_latest();

  // From now on publish() removes no checkpoint of these steps, besides what it keeps anyway.
  void keep(std::set<int64_t> steps) { kept_ = std::move(steps); }
  // Step of the checkpoint that is marked best; absent: none is.
  std::optional<int64_t> best() const;
  // Has publish() keep that of `step` until keep_only() ends this, and none that is marked best but of a later step and is
  // replaced: keep_only() makes it the best again. None when there is none of that step. Throws Error(io).
  void make_best(int64_t step);

  // Removes what is not of steps `first` to `last`, the best one too; then BEST names the best of the rest. Throws Error(io).
  void keep_only(int64_t first, int64_t last);

 private:
  void settle_leftovers();
  bool rescue(const std::string& name, int64_t step);
  std::optional<std::filesystem::path> move_in(const std::filesystem::path& temporary, int64_t step);
  CheckpointManifest write_parts(const std::filesystem::path& directory, int64_t step, const std::vector<CheckpointPart>& parts,
                                 bool best);
  void update_hints(int64_t step, bool best);
  void derive_best();
  void keep_best(const std::filesystem::path& directory, int64_t step);
  void prune(int64_t published);
  void remove(const std::vector<std::string>& names);
  void quarantine(const std::filesystem::path& directory, const std::string& why);
  void try_remove(const std::filesystem::path& directory);
  void report(Level level, const std::string& text) const;

  FileSystem& files_;
  std::filesystem::path folder_;
  StoreOptions options_;
  std::set<int64_t> kept_;
  std::optional<int64_t> made_best_;  // by make_best(), until keep_only()
};

}  // namespace gptcore
