#include "core/checkpoint/inspection.h"

#include <unistd.h>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/gptcore/inspect_verb.h"
#include "core/base/hash.h"
#include "gptcore/error.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/checkpoint/sample_checkpoint.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

struct Fixture {
  Fixture() {
    CheckpointStore store(*files, folder.path);
    store.publish(1, SampleCheckpoint(1).parts());
    store.publish(2, SampleCheckpoint(2).parts());
  }
  TempFolder folder;
  std::unique_ptr<FileSystem> files = posix_file_system();
  std::filesystem::path newest = folder.path / "ckpt" / "step-000000002";
};

struct Printed {
  int exit_code = 0;
  std::string text;
};

Printed run_verb(const std::vector<std::string>& arguments) {
  const TempFolder folder;
  std::fflush(stdout);
  const int saved = ::dup(STDOUT_FILENO);
  REQUIRE(std::freopen((folder.path / "out").c_str(), "w", stdout));
  Printed printed;
  std::exception_ptr thrown;
  try {
    printed.exit_code = inspect_verb(arguments, {});
  } catch (...) {
    thrown = std::current_exception();
  }
  std::fflush(stdout);
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  if (thrown) std::rethrow_exception(thrown);
  printed.text = read_raw(folder.path / "out");
  return printed;
}

Code code_of(const std::vector<std::string>& arguments) {
  try {
    run_verb(arguments);
  } catch (const Error& e) {
    return e.code();
  }
  return Code::internal;
}

}  // namespace

TEST_CASE("a safetensors file is shown with tensors, metadata, totals and hashes") {
  const Fixture f;
  const auto report = inspect_path(*f.files, f.newest / "model.safetensors", true);
  CHECK(report["kind"] == "safetensors");
  CHECK(report["tensor_count"] == 1);
  CHECK(report["elements"] == 40);
  CHECK(report["data_bytes"] == 160);
  CHECK(report["metadata"]["format"] == "gptcore");
  const auto& tensor = report["tensors"][0];
  CHECK(tensor["name"] == "wte");
  CHECK(tensor["dtype"] == "F32");
  CHECK(tensor["shape"] == std::vector<int>{8, 5});
  const SampleCheckpoint sample(2);
  CHECK(tensor["xxh3"] == xxh3_hex({reinterpret_cast<const char*>(sample.weights.data()), 160}));
  CHECK_FALSE(inspect_path(*f.files, f.newest / "model.safetensors", false)["tensors"][0].contains("xxh3"));
}

TEST_CASE("a run is shown by its newest checkpoint, file by file") {
  const Fixture f;
  const auto report = inspect_path(*f.files, f.folder.path, false);
  CHECK(report["kind"] == "checkpoint");
  CHECK(report["step"] == 2);
  CHECK(report["whole"] == true);
  CHECK(report["files"].size() == 3);
  CHECK(report["state"]["tokens"] == 10);
  CHECK(report["state"]["best_val_loss"] == 1.5);
  CHECK(report["contents"].size() == 2);
}

TEST_CASE("a damaged file of a checkpoint is shown as such while the others are still shown") {
  const Fixture f;
  write_raw(f.newest / "state.json", "{}");
  const auto report = inspect_path(*f.files, f.newest, false);
  CHECK(report["whole"] == false);
  CHECK(report["files"][2]["problem"] == "it has 2 bytes, the manifest says 48");
  CHECK(report["contents"].size() == 2);
  const Printed printed = run_verb({f.newest.string()});
  CHECK(printed.exit_code == 5);
  CHECK(printed.text.find("DAMAGED: it has 2 bytes") != std::string::npos);
}

TEST_CASE("the verb prints a table, or one JSON object") {
  const Fixture f;
  const Printed table = run_verb({(f.newest / "model.safetensors").string()});
  CHECK(table.exit_code == 0);
  CHECK(table.text.find("wte  F32   [8,5]                      160\n") != std::string::npos);
  CHECK(table.text.find("\"format\" = \"gptcore\"") != std::string::npos);
  const Printed json = run_verb({f.folder.path.string(), "--json", "--hash"});
  CHECK(json.exit_code == 0);
  CHECK(nlohmann::json::parse(json.text)["contents"][0]["tensors"][0]["xxh3"].get<std::string>().size() == 32);
  CHECK(run_verb({f.newest.string()}).text.find("step 2, whole") != std::string::npos);
}

TEST_CASE("what cannot be inspected is one error with the right code") {
  const Fixture f;
  write_raw(f.folder.path / "bad.safetensors", "not a header at all");
  CHECK(code_of({(f.folder.path / "bad.safetensors").string()}) == Code::checkpoint_corrupt);
  CHECK(code_of({(f.folder.path / "none").string()}) == Code::checkpoint_missing);
  CHECK(code_of({(f.folder.path / "ckpt").string()}) == Code::checkpoint_missing);
  CHECK(code_of({}) == Code::usage);
  CHECK(code_of({"a", "b"}) == Code::usage);
  CHECK(code_of({"a", "--nonsense"}) == Code::usage);
  write_raw(f.newest / "manifest.json", "{}");
  CHECK(code_of({f.newest.string()}) == Code::checkpoint_corrupt);
}
