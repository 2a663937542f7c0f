#include "core/checkpoint/store.h"

#include <functional>

#include "gptcore/error.h"
#include "tests/unit/base/fault_file_system.h"
#include "tests/unit/base/memory_file_system.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/checkpoint/sample_checkpoint.h"

#include "tests/catch.h"

using namespace gptcore;

namespace {

const std::filesystem::path kRun = "/run";
const std::filesystem::path kFolder = "/run/ckpt";

struct Fixture {
  Fixture() { files.make_directory(kRun); }
  CheckpointStore store() {
    StoreOptions options;
    options.keep = keep;
    options.report = [this](Level level, const std::string& text) {
      (level == Level::warning ? warnings : notes).push_back(text);
    };
    return {files, kRun, options};
  }
  void publish(int64_t step, bool best = false) { store().publish(step, SampleCheckpoint(step).parts(), best); }
  // The step of the newest whole checkpoint, whose content is checked; -1 when there has been none.
  int64_t latest() {
    const auto found = store().find_latest();
    if (found) CHECK(is_sample(files, *found));
    return found ? found->step() : -1;
  }
  void overwrite(const std::filesystem::path& path, const std::string& text) {
    files.remove_file(path);
    files.create(path)->write(bytes_of(text));
  }

  MemoryFileSystem files;
  int64_t keep = 2;
  std::vector<std::string> warnings, notes;
};

Error error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e;
  }
  return {Code::usage, "no error"};
}

}  // namespace

TEST_CASE("a run without checkpoints has no latest one, and looking makes nothing") {
  Fixture run;
  CHECK(run.latest() == -1);
  CHECK(names_in(run.files, kRun).empty());
}

TEST_CASE("what is published is found, with its manifest and hints") {
  Fixture run;
  run.publish(1000);
  CHECK(run.latest() == 1000);
  CHECK(names_in(run.files, kFolder) == std::vector<std::string>{"LATEST", "step-000001000"});
  CHECK(names_in(run.files, kFolder / "step-000001000") ==
        std::vector<std::string>{"manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"});
  CHECK(read_text(run.files, kFolder / "LATEST", 100) == "step-000001000\n");
  CHECK(run.warnings.empty());
}

TEST_CASE("the newest checkpoints and the best one are kept") {
  Fixture run;
  run.publish(1);
  run.publish(2, true);
  for (int64_t step = 3; step <= 6; ++step) run.publish(step);
  CHECK(list_steps(run.files, kFolder) == std::vector<int64_t>{6, 5, 2});
  CHECK(open_checkpoint(run.files, kRun, Pick::best).step() == 2);
  CHECK(open_checkpoint(run.files, kRun).step() == 6);
  run.publish(7, true);
  CHECK(list_steps(run.files, kFolder) == std::vector<int64_t>{7, 6});
  CHECK(names_in(run.files, kFolder).size() == 4);  // and no trash
}

TEST_CASE("keeping none keeps the one just published, even if others have later steps") {
  Fixture run;
  run.keep = 0;
  run.publish(5);
  run.publish(9);
  run.publish(6);
  CHECK(list_steps(run.files, kFolder) == std::vector<int64_t>{6});
}

TEST_CASE("where none was marked best, the newest is") {
  Fixture run;
  run.publish(1);
  run.publish(2);
  CHECK(open_checkpoint(run.files, kRun, Pick::best).step() == 2);
  run.overwrite(kFolder / "LATEST", "step-000000001\n");
  run.files.rename(kFolder / "LATEST", kFolder / "BEST");
  CHECK(open_checkpoint(run.files, kRun, Pick::best).step() == 1);
}

TEST_CASE("a step may be published again, and its new content counts") {
  for (const bool can_exchange : {true, false}) {
    MemoryFileSystem files;
    FaultFileSystem faults(files);
    faults.can_exchange = can_exchange;
    CheckpointStore store(faults, kRun);
    store.publish(3, {{"state.json", std::string("old")}});
    const Checkpoint made = store.publish(3, {{"state.json", std::string("new")}});
    CHECK(made.text(files, "state.json") == "new");
    CHECK(store.find_latest()->text(files, "state.json") == "new");
    CHECK(names_in(files, kFolder) == std::vector<std::string>{"LATEST", "step-000000003"});
  }
}

TEST_CASE("the best model stays when its step is saved again, until there is a better one") {
  for (const bool can_exchange : {true, false}) {
    MemoryFileSystem files;
    FaultFileSystem faults(files);
    faults.can_exchange = can_exchange;
    CheckpointStore store(faults, kRun);
    const auto publish = [&](int64_t step, const std::string& text, bool best) {
      store.publish(step, {{"state.json", text}}, best);
    };
    const auto best = [&] { return open_checkpoint(files, kRun, Pick::best).text(files, "state.json"); };
    publish(3, "best", true);
    for (const std::string text : {"changed", "changed twice"}) {
      publish(3, text, false);
      CHECK(best() == "best");
      CHECK(open_checkpoint(files, kRun).text(files, "state.json") == text);
      CHECK(store.find_latest()->text(files, "state.json") == text);
    }
    for (const int64_t step : {4, 5, 6}) publish(step, "later", false);
    CHECK(names_in(files, kFolder) ==
          std::vector<std::string>{"BEST", "LATEST", "best-000000003", "step-000000005", "step-000000006"});
    store.keep_only(3, 6);
    CHECK(best() == "best");
    publish(7, "better", true);
    CHECK(best() == "better");
    CHECK(names_in(files, kFolder) == std::vector<std::string>{"BEST", "LATEST", "step-000000006", "step-000000007"});
    publish(7, "changed", false);
    store.keep_only(0, 6);
    CHECK(names_in(files, kFolder) == std::vector<std::string>{"LATEST", "step-000000006"});  // BEST never names what is gone
  }
}

TEST_CASE("going back to an older best model leaves no mark on later ones, also where their step is saved again") {
  for (const bool can_exchange : {true, false}) {
    MemoryFileSystem files;
    FaultFileSystem faults(files);
    faults.can_exchange = can_exchange;
    CheckpointStore store(faults, kRun, {1, 0, {}});
    store.keep({2});
    store.publish(2, {{"state.json", std::string("best")}}, true);
    store.publish(3, {{"state.json", std::string("undone")}}, true);
    store.publish(3, {{"state.json", std::string("undone, changed")}});
    store.publish(4, {{"state.json", std::string("undone")}}, true);
    CHECK(store.best() == 4);
    store.keep({});
    store.make_best(2);
    store.publish(3, {{"state.json", std::string("back")}});
    store.keep_only(0, 3);
    CHECK(names_in(files, kFolder) == std::vector<std::string>{"BEST", "LATEST", "step-000000002", "step-000000003"});
    CHECK(open_checkpoint(files, kRun, Pick::best).text(files, "state.json") == "best");
    CHECK(open_checkpoint(files, kRun).text(files, "state.json") == "back");
    CHECK(store.best() == 2);
  }
}

TEST_CASE("too little space is known before anything is written") {
  Fixture run;
  run.publish(1);
  run.files.free = 4 << 20;
  const Error e = error_of([&] { run.publish(2); });
  CHECK(e.code() == Code::disk_full);
  CHECK(std::string(e.what()) == "saving step 2 needs 4.0 MiB in '/run/ckpt', where 4.0 MiB were free");
  CHECK(run.latest() == 1);
  CHECK(names_in(run.files, kFolder).size() == 2);
}

TEST_CASE("leftovers of a killed run are removed and told") {
  Fixture run;
  run.publish(1);
  make_directories(run.files, kFolder / ".tmp-000000002-00000000" / "sub");
  make_directories(run.files, kFolder / ".trash-000000000-00000000");
  CHECK(run.latest() == 1);
  CHECK(names_in(run.files, kFolder) == std::vector<std::string>{"LATEST", "step-000000001"});
  CHECK(run.notes ==
        std::vector<std::string>{"removing '/run/ckpt/.tmp-000000002-00000000', left by a run that was cut off",
                                 "removing '/run/ckpt/.trash-000000000-00000000', left by a run that was cut off"});
}

TEST_CASE("a hint file that says nonsense is ignored with a warning") {
  const std::string nonsense =
      GENERATE("", "\n", "garbage", "../../etc/passwd\n", "step-000000001/..", "step-000000009\n", "step-1\n", "STEP");
  Fixture run;
  run.publish(1);
  run.publish(2);
  run.overwrite(kFolder / "LATEST", nonsense == "STEP" ? std::string(1 << 20, 'x') : nonsense);
  CHECK(run.latest() == 2);
  REQUIRE(run.warnings.size() == 1);
  CHECK(run.warnings[0] == "'/run/ckpt/LATEST' does not name step-000000002, the newest whole checkpoint; it is ignored");
}

TEST_CASE("every truncation and bit flip of every file is found, and the older checkpoint taken") {
  Fixture pristine;
  pristine.publish(1);
  pristine.publish(2);
  const auto folder = kFolder / "step-000000002";
  for (const std::string& name : names_in(pristine.files, folder)) {
    const std::string text = read_text(pristine.files, folder / name, 1 << 20);
    std::vector<std::string> damaged;
    for (size_t at = 0; at < text.size(); at += 13) {
      damaged.push_back(text.substr(0, at));
      damaged.push_back(text);
      damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ (1 << (at % 8)));
    }
    for (const std::string& content : damaged) {
      Fixture run;
      run.publish(1);
      run.publish(2);
      run.overwrite(folder / name, content);
      const Error e = error_of([&] { open_checkpoint(run.files, folder); });
      CHECK(e.code() == Code::checkpoint_corrupt);
      CHECK(e.where() == (folder / name).string());
      CHECK(list_steps(run.files, kFolder).size() == 2);  // opening changes nothing
      CHECK(run.latest() == 1);
      CHECK(run.files.kind(kFolder / "step-000000002.corrupt") == FileKind::directory);
      CHECK(run.warnings.size() == 2);  // and LATEST
      CHECK(run.latest() == 1);
    }
  }
}

TEST_CASE("a missing file, and a folder under another step's name, are found") {
  Fixture run;
  run.publish(1);
  run.publish(2);
  SECTION("file") {
    run.files.remove_file(kFolder / "step-000000002" / "state.json");
  }
  SECTION("manifest") {
    run.files.remove_file(kFolder / "step-000000002" / "manifest.json");
  }
  SECTION("name") {
    run.files.rename(kFolder / "step-000000002", kFolder / "step-000000003");
  }
  CHECK(run.latest() == 1);
}

TEST_CASE("when all checkpoints are damaged there is no fresh start, now or later") {
  Fixture run;
  run.publish(1);
  run.publish(2);
  for (const int64_t step : {1, 2}) run.overwrite(kFolder / step_name(step) / "state.json", "{}");
  for (int i = 0; i < 2; ++i) {
    const Error e = error_of([&] { run.latest(); });
    CHECK(e.code() == Code::checkpoint_corrupt);
    CHECK(std::string(e.what()) == "all 2 checkpoints in '/run/ckpt' are damaged; nothing to resume from");
  }
}

TEST_CASE("a damaged checkpoint is moved aside however many were before it") {
  Fixture run;
  run.publish(1);
  for (int i = 0; i < 3; ++i) {
    run.publish(2);
    run.overwrite(kFolder / "step-000000002" / "state.json", "{}");
    CHECK(run.latest() == 1);
  }
  CHECK(run.files.kind(kFolder / "step-000000002.corrupt-3") == FileKind::directory);
}

TEST_CASE("opening what is no checkpoint says what to give instead") {
  Fixture run;
  CHECK(error_of([&] { open_checkpoint(run.files, "/none"); }).line() ==
        "error[GC500]: '/none' does not exist; give a run folder or one of its ckpt/step-* folders");
  CHECK(std::string(error_of([&] { open_checkpoint(run.files, kRun); }).what()) == "'/run' holds no checkpoint");
  run.publish(4);
  CHECK(open_checkpoint(run.files, "/run/").step() == 4);
  CHECK(open_checkpoint(run.files, "/run/ckpt/step-000000004/").step() == 4);
  run.files.rename(kFolder / "step-000000004", "/copy");
  CHECK(open_checkpoint(run.files, "/copy").step() == 4);
  CHECK(error_of([&] { open_checkpoint(run.files, "/copy").text(run.files, "no.txt"); }).code() == Code::checkpoint_mismatch);
}

TEST_CASE("only names that step_name makes are steps") {
  CHECK(step_name(0) == "step-000000000");
  CHECK(parse_step_name(step_name(12)) == 12);
  CHECK(parse_step_name(step_name(123456789012)) == 123456789012);
  for (const std::string bad : {"step-", "step-1", "step-0000000001", "step--00000001", "step-000000001.corrupt",
                                "step-00000000x", "step-99999999999999999999", "Step-000000001"}) {
    CHECK_FALSE(parse_step_name(bad));
  }
}

TEST_CASE("equal content is published as equal bytes") {
  Fixture a, b;
  a.publish(5);
  b.publish(5);
  for (const std::string& name : names_in(a.files, kFolder / "step-000000005")) {
    const auto path = kFolder / "step-000000005" / name;
    CHECK(read_text(a.files, path, 1 << 20) == read_text(b.files, path, 1 << 20));
  }
}

TEST_CASE("a part with a bad or repeated name is refused") {
  Fixture run;
  auto store = run.store();
  const std::string text = "x";
  CHECK(error_of([&] { store.publish(1, {{"../x", text}}); }).code() == Code::internal);
  CHECK(error_of([&] { store.publish(1, {{"manifest.json", text}}); }).code() == Code::internal);
  CHECK(error_of([&] { store.publish(1, {{"x", text}, {"x", text}}); }).code() == Code::internal);
  CHECK(error_of([&] { store.publish(-1, {{"x", text}}); }).code() == Code::internal);
  CHECK(names_in(run.files, kRun).empty());
}
