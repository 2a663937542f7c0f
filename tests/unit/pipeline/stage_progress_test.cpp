#include "core/pipeline/stage_progress.h"

#include <filesystem>
#include <fstream>

#include "core/base/file_system.h"
#include "core/pipeline/result_basis.h"
#include "tests/unit/base/temp_folder.h"

#include "tests/catch.h"

using namespace gptcore;

TEST_CASE("a stage's result is there after a restart, with what it is of", "[state]") {
  const TempFolder folder;
  const auto files = posix_file_system();
  StageProgress progress(*files, folder.path);
  CHECK_FALSE(progress.find("sample"));
  progress.mark("sample",
                {10, "--- sample\nthe \xff cat\n---", {{"run.seed", "1"}, {"weights", "a"}}, "runs/a/ckpt/step-000000010"});
  progress.mark("evaluate", {10, "val loss 2.5000", {}, {}, /*complete=*/false});
  const StageProgress read_again(*files, folder.path);
  REQUIRE(read_again.find("sample"));
  CHECK(read_again.find("sample")->step == 10);
  CHECK(read_again.find("sample")->complete);
  CHECK_FALSE(read_again.find("evaluate")->complete);
  CHECK(read_again.find("sample")->text == "--- sample\nthe \xef\xbf\xbd cat\n---");  // a byte that is no UTF-8 is replaced
  CHECK(read_again.find("sample")->checkpoint == "runs/a/ckpt/step-000000010");
  CHECK(read_again.find("sample")->basis == Settings{{"run.seed", "1"}, {"weights", "a"}});
}

TEST_CASE("a progress file of an earlier version says no basis, a damaged one nothing", "[state]") {
  const TempFolder folder;
  const auto files = posix_file_system();
  std::ofstream(folder.path / "progress.json") << R"({"sample": 10, "evaluate": {"step": 5, "result": "val loss 2.5000"}})";
  const StageProgress earlier(*files, folder.path);
  REQUIRE(earlier.find("sample"));
  REQUIRE(earlier.find("evaluate"));
  CHECK(earlier.find("sample")->basis.empty());
  CHECK(earlier.find("sample")->complete);
  CHECK(earlier.find("evaluate")->checkpoint.empty());
  CHECK_FALSE(basis_changes(earlier.find("evaluate")->basis, {{"weights", "a"}}).empty());
  std::filesystem::resize_file(folder.path / "progress.json", 3);
  CHECK(StageProgress(*files, folder.path).empty());
}

TEST_CASE("what a result is no longer of is told by setting, or by what the hash is of", "[state]") {
  const Settings then{{"evaluate.eval_iters", "2"}, {"run.seed", "1"}, {"weights", "a"}};
  CHECK(basis_changes(then, then).empty());
  CHECK(basis_changes(then, {{"evaluate.eval_iters", "3"}, {"run.seed", "1"}, {"weights", "b"}}) ==
        "evaluate.eval_iters: 2 -> 3, other weights");
  CHECK(basis_changes(then, {{"evaluate.eval_iters", "2"}, {"weights", "a"}, {"dataset.use", "\"text\""}}) ==
        "run.seed: 1 -> absent, dataset.use: absent -> \"text\"");
}
