// A whole run on a small text, in a folder of its own, and what it says.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/hash.h"
#include "core/builtin/core_items.h"
#include "core/checkpoint/checkpoint.h"
#include "core/config/load.h"
#include "core/pipeline/runner.h"
#include "core/plugin/plugin_file.h"
#include "tests/unit/base/temp_folder.h"

namespace gptcore::testing {

// Standard error goes into a file for its lifetime.
class CapturedErrors {
 public:
  explicit CapturedErrors(const std::filesystem::path& file) : kept_(::dup(STDERR_FILENO)) {
    std::fflush(stderr);
    std::FILE* const opened = std::fopen(file.c_str(), "w");
    ::dup2(::fileno(opened), STDERR_FILENO);
    std::fclose(opened);
  }
  ~CapturedErrors() {
    std::fflush(stderr);
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
  }
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;

 private:
  int kept_;
};

struct SmallRun {
  // 12 updates, evaluated at the end only; `more` stands at the end of the train stage.
  explicit SmallRun(const std::string& more = "") {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "the quick brown fox jumps over the lazy dog " + std::to_string(i * 7) + "\n";
    write_raw(folder.path / "text.txt", text);
    out = folder.path / "out";
    configure(more);
  }
  void configure(const std::string& more) {
    write_raw(folder.path / "pipeline.toml",
              R"([run]
out_dir = "out"
device = "cpu"
)" + run_keys + R"(
peak_tflops = 1
[tokenizer]
use = ")" + tokenizer +
                  R"("
[dataset]
use = "text"
files = ["text.txt"]
[model]
n_layer = 1
n_head = 2
n_embd = 16
block_size = 8
[[logger]]
use = "jsonl"
[[stage]]
kind = "train"
batch_size = 4
eval_iters = 1
)" + (more.find("max_iters") == std::string::npos ? "max_iters = 12\n" : "") +
                  (more.find("eval_interval") == std::string::npos ? "eval_interval = 0\n" : "") + more + "\n");
    Catalog catalog;
    add_core_items(catalog);
    for (const char* plugin : {"byte", "char", "freeze", "jsonl", "text"})
      for (const ItemInfo& item : read_plugin_file(std::string(PLUGINS) + "/" + plugin + ".so").items) catalog.add(item);
    plan.config = load_pipeline({(folder.path / "pipeline.toml").string(), {}, {}}, catalog);
    plan.plugin_files = files_used(plan.config, catalog);
    plan.memory = {(folder.path / "proc").string(), (folder.path / "cgroup").string()};
  }
  // Its exit code; what it logs is in `said`, also when it throws.
  int run() {
    const std::filesystem::path log = folder.path / "log";
    struct Reading {
      ~Reading() { said = read_raw(log); }
      std::string& said;
      const std::filesystem::path& log;
    } const reading{said, log};
    const CapturedErrors captured(log);
    return run_pipeline(plan);
  }
  std::vector<std::string> checkpoints() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(out / "ckpt"))
      if (entry.is_directory()) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string weights(const std::string& checkpoint = "step-000000012") const {
    return read_raw(out / "ckpt" / checkpoint / "model.safetensors");
  }
  // What the machine's memory is said to be, in kB.
  void meminfo(int64_t available) const {
    std::filesystem::create_directories(folder.path / "proc");
    write_raw(folder.path / "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: " + std::to_string(available) + " kB\n");
  }
  // How often metrics.jsonl has the event.
  int records(const std::string& event) const {
    const std::string all = read_raw(out / "metrics.jsonl"), mark = "\"event\":\"" + event + "\"";
    int count = 0;
    for (size_t at = all.find(mark); at != std::string::npos; at = all.find(mark, at + 1)) ++count;
    return count;
  }
  // Gives a checkpoint's file another content, whose hash fits.
  void rewrite(const std::string& checkpoint, const std::string& file, const std::string& text) const {
    const auto directory = out / "ckpt" / checkpoint;
    CheckpointManifest manifest = parse_checkpoint_manifest(read_raw(directory / "manifest.json"), "manifest.json");
    for (FileRecord& record : manifest.files)
      if (record.name == file) record = {file, text.size(), xxh3_hex(text)};
    write_raw(directory / file, text);
    write_raw(directory / "manifest.json", format_checkpoint_manifest(manifest));
  }

  TempFolder folder;
  std::filesystem::path out;
  std::string run_keys = "threads = 1", tokenizer = "char";
  std::string said;
  RunPlan plan;
};

}  // namespace gptcore::testing
