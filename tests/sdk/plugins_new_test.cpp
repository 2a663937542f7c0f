// `gptcore plugins new`: what it writes for every kind, and what it refuses without a trace.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/cli/process.h"

#include "tests/catch.h"

using namespace gptcore::test;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "plugins_new.XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  bool empty() const { return fs::is_empty(path_); }

 private:
  fs::path path_;
};

std::string program() {
  const char* build = std::getenv("GPTCORE_BUILD");
  if (!build) throw std::runtime_error("GPTCORE_BUILD is not set");
  return std::string(build) + "/bin/gptcore";
}

Outcome plugins_new(const Folder& folder, std::vector<std::string> words) {
  words.insert(words.begin(), {program(), "plugins", "new"});
  return run({words, folder.path(), {}, 60});
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("every kind gets the same seven files, with the name everywhere and no placeholder left") {
  for (const std::string kind : {"tokenizer", "dataset", "model", "adapter", "operation", "evaluator", "logger"}) {
    const Folder folder;
    const Outcome outcome = plugins_new(folder, {"warm_up2", "--kind", kind});
    INFO(kind << "\n" << outcome.out << outcome.err);
    REQUIRE(outcome.status == 0);
    for (const char* file : {".gitignore", "CMakeLists.txt", "CMakePresets.json", "README.md", "pipeline.toml",
                             "test_warm_up2.cpp", "warm_up2.cpp"}) {
      INFO(file);
      const std::string text = text_of(folder.path() / "warm_up2" / file);
      CHECK_FALSE(text.empty());
      CHECK(text.find('@') == text.npos);
    }
    const std::string source = text_of(folder.path() / "warm_up2/warm_up2.cpp");
    CHECK(source.find("r." + kind + "<WarmUp2>(\"warm_up2\"") != source.npos);
    CHECK(std::distance(fs::directory_iterator(folder.path() / "warm_up2"), {}) == 7);
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
  }
}

TEST_CASE("a name that cannot be is refused in one line, and nothing is written") {
  struct Bad {
    const char *name, *kind, *why;
  };
  const std::string long_name(48, 'a');
  const std::vector<Bad> all = {
      {"class", "operation", "it is a word of C++"},
      {"co_await", "operation", "it is a word of C++"},
      {"test", "operation", "CMake has a target of that name"},
      {"a/b", "operation", "it has a slash"},
      {"../up", "operation", "it has a slash"},
      {"/tmp/x", "operation", "it has a slash"},
      {"MyOp", "operation", "a name is [a-z][a-z0-9_]*"},
      {"2fast", "operation", "a name is [a-z][a-z0-9_]*"},
      {"my-op", "operation", "a name is [a-z][a-z0-9_]*"},
      {"_op", "operation", "a name is [a-z][a-z0-9_]*"},
      {"a b", "operation", "a name is [a-z][a-z0-9_]*"},
      {"\xc3\xa9t\xc3\xa9", "operation", "a name is [a-z][a-z0-9_]*"},
      {"", "operation", "expects a name"},
      {long_name.c_str(), "operation", "it is longer than 47 characters"},
      {"gpt", "model", "there is such a model"},
      {"byte", "tokenizer", "there is a plugin of that name"},
      {"byte", "operation", "there is a plugin of that name"},
      {"fine", "operatoin", "did you mean 'operation'?"},
      {"fine", "", "'--kind=' has no value; write --kind=VALUE"},
  };
  const Folder folder;
  for (const Bad& bad : all) {
    const Outcome outcome = plugins_new(folder, {bad.name, "--kind", bad.kind});
    INFO(bad.name << "\n" << outcome.out << outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(bad.why) != std::string::npos);
    CHECK(outcome.err.find('\n') == outcome.err.size() - 1);
    CHECK(folder.empty());
  }
}

TEST_CASE("what is there already is left as it is") {
  const Folder folder;
  fs::create_directory(folder.path() / "folder");
  std::ofstream(folder.path() / "file") << "mine";
  fs::create_symlink("nowhere", folder.path() / "link");
  for (const char* name : {"folder", "file", "link"}) {
    const Outcome outcome = plugins_new(folder, {name, "--kind", "logger"});
    INFO(name << "\n" << outcome.out << outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find("exists already") != std::string::npos);
  }
  CHECK(fs::is_empty(folder.path() / "folder"));
  CHECK(text_of(folder.path() / "file") == "mine");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("--to names a folder that exists and can be written to") {
  const Folder folder;
  fs::create_directory(folder.path() / "plugins");
  CHECK(plugins_new(folder, {"mine", "--kind", "logger", "--to", "plugins"}).status == 0);
  CHECK(fs::exists(folder.path() / "plugins/mine/mine.cpp"));

  const Outcome absent = plugins_new(folder, {"mine", "--kind", "logger", "--to", "nowhere"});
  CHECK(absent.status == 2);
  CHECK(absent.err.find("there is no such folder") != std::string::npos);
  const Outcome unwritable = plugins_new(folder, {"mine", "--kind", "logger", "--to", "/proc"});
  CHECK(unwritable.status == 9);
  CHECK(unwritable.err.find("no folder can be made here") != std::string::npos);
}

TEST_CASE("a folder that cannot be written to its end is taken away") {
  const Folder folder;
  // No file may grow beyond 512 bytes: the first ones fit, others do not.
  const Outcome outcome =
      run({{"sh", "-c", "ulimit -f 1 && exec \"$@\"", "-", program(), "plugins", "new", "mine", "--kind", "model"},
           folder.path(),
           {},
           60});
  INFO(outcome.out << outcome.err);
  CHECK(outcome.status == 9);
  CHECK(outcome.err.find("cannot be written: File too large") != std::string::npos);
  CHECK(folder.empty());
}
