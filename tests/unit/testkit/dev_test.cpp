// gptcore plugins dev.
#include <filesystem>
#include <fstream>

#include "command.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

Answer dev(const std::string& arguments) {
  return run_command(std::string(PROGRAM) + " plugins dev " + arguments);
}

// A folder whose "build" copies a plugin that is there already: dev's own part is what is tested here.
void write_project(const std::filesystem::path& folder, const std::string& plugin) {
  write_raw(folder / "CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.25)\nproject(copy NONE)\n"
            "add_custom_target(copy ALL COMMAND ${CMAKE_COMMAND} -E copy " +
                plugin + " ${PROJECT_BINARY_DIR}/copied.so)\n");
}

}  // namespace

TEST_CASE("One round configures, builds and tests") {
  const TempFolder folder;
  write_project(folder.path, FIXTURES "/quiet.so");
  const Answer answer = dev(folder.path.string() + " --once");
  INFO(answer.text);
  CHECK(answer.status == 0);
  CHECK_THAT(answer.text, Contains("ok    tokenizer/one/round_trip") && Contains("dev: all is well"));
}

TEST_CASE("A round with a failing plugin ends with its code") {
  const TempFolder folder;
  write_project(folder.path, FIXTURES "/loud_exports.so");
  const Answer answer = dev(folder.path.string() + " --once");
  CHECK(answer.status == 3);
  CHECK_THAT(answer.text, Contains("FAIL  file/one_export") && Contains("dev: the plugin's tests failed"));
}

TEST_CASE("A build that fails shows the tool's words and no test is run") {
  const TempFolder folder;
  write_project(folder.path, "/no/such/file.so");
  const Answer answer = dev(folder.path.string() + " --once");
  CHECK(answer.status != 0);
  CHECK_THAT(answer.text, Contains("/no/such/file.so") && Contains("dev: the build failed"));
}

TEST_CASE("The folder's pipeline file is run for twenty updates") {
  const TempFolder folder;
  write_project(folder.path, FIXTURES "/quiet.so");
  write_raw(folder.path / "text.txt", std::string(2000, 'a'));
  write_raw(folder.path / "pipeline.toml",
            "[tokenizer]\nuse = \"one\"\n[dataset]\nuse = \"text\"\nfiles = [\"text.txt\"]\n"
            "[model]\nn_layer = 1\nn_head = 1\nn_embd = 8\nblock_size = 8\n"
            "[[stage]]\nkind = \"train\"\nmax_iters = 100000\neval_iters = 1\n[[logger]]\nuse = \"console\"\n");
  const Answer answer = dev(folder.path.string() + " --once");
  INFO(answer.text);
  CHECK(answer.status == 0);
  CHECK_THAT(answer.text, Contains("iter 19"));
}

TEST_CASE("A folder without a CMakeLists.txt is refused") {
  const TempFolder folder;
  for (const std::string& where : {folder.path.string(), std::string("/nowhere"), std::string()}) {
    INFO(where);
    const Answer answer = dev(where + " --once");
    CHECK(answer.status == 2);
    CHECK_THAT(answer.text, Contains("error[GC001]") && Contains("CMakeLists.txt"));
  }
}
