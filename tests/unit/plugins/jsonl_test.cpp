#include <limits>
#include <nlohmann/json.hpp>

#include "built_in.h"
#include "tests/catch.h"

using namespace gptcore;
using nlohmann::json;

namespace {

std::vector<std::string> lines(const TempFolder& folder) {
  std::ifstream in(folder.path / "metrics.jsonl");
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

Record step(int64_t n) {
  return {Event::step_ended, n, 0.5, {{"loss", 1.0 / static_cast<double>(n + 1)}}};
}

// A logger's run over some records.
void run(const TempFolder& folder, bool resumed, const std::vector<Record>& records) {
  SilentHost host;
  const auto logger = built_in().logger("jsonl", {});
  logger->open({folder.path.string(), false, resumed, &host});
  for (const Record& r : records) logger->record(r);
  logger->close();
}

}  // namespace

TEST_CASE("every record is one line of JSON with its fields in order") {
  const TempFolder folder;
  run(folder, false, {{Event::run_started, 0, 0, {{"name", "ü\n\"x\""}, {"list", List{1, 2.5, true}}}}, step(10)});
  const auto all = lines(folder);
  REQUIRE(all.size() == 2);
  CHECK(all[0] == R"({"event":"run_started","step":0,"seconds":0.0,"name":"ü\n\"x\"","list":[1,2.5,true]})");
  CHECK(json::parse(all[1])["loss"].get<double>() == 1.0 / 11);
}

TEST_CASE("a loss that is no number is written as null, and bytes that are not UTF-8 do not break the line") {
  const TempFolder folder;
  run(folder, false, {{Event::step_ended, 1, 0, {{"loss", std::numeric_limits<double>::quiet_NaN()}, {"text", "a\xff"}}}});
  CHECK(json::parse(lines(folder).at(0))["loss"].is_null());
}

TEST_CASE("a line is in the file as soon as it is recorded") {
  const TempFolder folder;
  SilentHost host;
  const auto logger = built_in().logger("jsonl", {});
  logger->open({folder.path.string(), false, false, &host});
  logger->record(step(1));
  CHECK(lines(folder).size() == 1);
}

TEST_CASE("a new run starts an empty file, a resumed one drops the steps it will repeat") {
  const TempFolder folder;
  run(folder, false, {step(1), step(2), step(3), step(4)});
  run(folder, true, {{Event::run_started, 2, 0, {}}, step(3)});
  std::vector<int64_t> steps;
  for (const std::string& line : lines(folder)) steps.push_back(json::parse(line)["step"]);
  CHECK(steps == std::vector<int64_t>{1, 2, 2, 3});
  run(folder, false, {step(9)});
  CHECK(lines(folder).size() == 1);
}

TEST_CASE("what a resumed run will do again at the step of its checkpoint is dropped, and nothing else") {
  const auto at = [](int64_t step, Event event, Table fields = {}) { return Record{event, step, 0, std::move(fields)}; };
  const Record train = at(2, Event::stage_started, {{"name", "train"}, {"kind", "train"}});
  const Record evaluate = at(2, Event::stage_started, {{"name", "evaluate"}, {"kind", "evaluate"}});
  const Record sample = at(2, Event::stage_started, {{"name", "sample"}, {"kind", "sample"}}), shown = at(2, Event::sampled);
  const Record measured = at(2, Event::evaluation_ended), fired = at(2, Event::operation, {{"operation", "change_lr"}});
  const Record ended = at(2, Event::stage_ended), edited = at(2, Event::model_edited), item = at(2, Event::item_evaluated);
  const auto saved = [&](int64_t saves) { return at(2, Event::checkpoint_saved, {{"path", "p"}, {"saves", saves}}); };
  const auto started = [&](int64_t saves) { return at(2, Event::run_started, {{"saves", saves}}); };
  struct Case {
    std::vector<Record> before;
    int64_t saves;
    std::vector<std::string> kept;
  };
  const std::vector<Case> cases = {
      // Saved before it was evaluated, and after.
      {{train, saved(1), measured, item, fired, edited}, 1, {"stage_started", "checkpoint_saved"}},
      {{train, saved(1), measured, saved(2), fired},
       2,
       {"stage_started", "checkpoint_saved", "evaluation_ended", "checkpoint_saved"}},
      // Killed between the checkpoint and its line.
      {{train, saved(1), measured}, 2, {"stage_started", "checkpoint_saved", "evaluation_ended"}},
      // Went on from a checkpoint twice.
      {{train, measured, started(2), train, fired}, 2, {"stage_started", "evaluation_ended", "run_started", "stage_started"}},
      // In stages that ended, and in one that does not train.
      {{train, saved(1), measured, ended, evaluate, measured},
       1,
       {"stage_started", "checkpoint_saved", "evaluation_ended", "stage_ended", "stage_started"}},
      {{train, saved(1), ended, train, measured}, 1, {"stage_started", "checkpoint_saved", "stage_ended", "stage_started"}},
      {{train, saved(1), ended, evaluate, measured, ended, sample, shown},
       1,
       {"stage_started", "checkpoint_saved", "stage_ended", "stage_started", "evaluation_ended", "stage_ended",
        "stage_started"}},
      // Without a checkpoint.
      {{started(0), evaluate, measured, ended, train, measured},
       0,
       {"run_started", "stage_started", "evaluation_ended", "stage_ended", "stage_started"}},
  };
  for (const Case& c : cases) {
    CAPTURE(&c - cases.data());
    const TempFolder folder;
    run(folder, false, {c.before});
    run(folder, true, {started(c.saves)});
    std::vector<std::string> events, expected = c.kept;
    for (const std::string& line : lines(folder)) events.push_back(json::parse(line)["event"]);
    expected.push_back("run_started");
    CHECK(events == expected);
  }
}

TEST_CASE("after a spike rewinds training in the same process, what it will do again is dropped, too") {
  const TempFolder folder;
  const auto record = [](Event event, int64_t step, Table fields = {}) { return Record{event, step, 0, std::move(fields)}; };
  run(folder, false,
      {record(Event::stage_started, 0, {{"kind", "train"}}), step(2),
       record(Event::checkpoint_saved, 2, {{"saves", int64_t{1}}}), record(Event::evaluation_ended, 2), step(3),
       record(Event::operation, 2, {{"phase", "rewind"}, {"operation", "on_spike"}, {"saves", int64_t{1}}}),
       record(Event::evaluation_ended, 2), step(3)});
  std::vector<std::string> events;
  for (const std::string& line : lines(folder)) events.push_back(json::parse(line)["event"]);
  CHECK(events == std::vector<std::string>{"stage_started", "step_ended", "checkpoint_saved", "operation", "evaluation_ended",
                                           "step_ended"});
}

namespace {

Record told(const char* phase, const char* operation, int64_t edit) {
  return {Event::operation, 12, 0, {{"phase", phase}, {"operation", operation}, {"edit", edit}}};
}

std::vector<Record> carried_out(const char* operation, int64_t edit) {
  return {told("start", operation, edit),
          {Event::model_edited, 12, 0, {{"operation", operation}, {"edit", edit}}},
          told("success", operation, edit)};
}

// "set_lr 0 undo" a line about an operation or its edit.
std::vector<std::string> history(const TempFolder& folder) {
  std::vector<std::string> all;
  for (const std::string& line : lines(folder))
    if (const json j = json::parse(line); j.contains("operation"))
      all.push_back(j["operation"].get<std::string>() + " " + (j.contains("edit") ? j["edit"].dump() : "") + " " +
                    j.value("phase", "edited"));
  return all;
}

std::vector<Record> joined(const std::vector<std::vector<Record>>& parts) {
  std::vector<Record> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

TEST_CASE("an undo keeps the lines up to the operation that it takes back, not up to another of its name") {
  const TempFolder folder;
  run(folder, false,
      joined({carried_out("set_lr", 0),
              carried_out("freeze_layer", 1),
              carried_out("set_lr", 2),
              {step(13), step(14)},
              {told("undo", "set_lr", 0)},
              carried_out("freeze_layer", 1),
              carried_out("set_lr", 2)}));
  CHECK(history(folder) == std::vector<std::string>{"set_lr 0 start", "set_lr 0 edited", "set_lr 0 success", "set_lr 0 undo",
                                                    "freeze_layer 1 start", "freeze_layer 1 edited", "freeze_layer 1 success",
                                                    "set_lr 2 start", "set_lr 2 edited", "set_lr 2 success"});
  for (const std::string& line : lines(folder)) CHECK(json::parse(line)["event"] != "step_ended");
}

TEST_CASE("an undo is told once, however often a run is killed right after its line") {
  const TempFolder folder;
  run(folder, false, joined({carried_out("set_lr", 0), {step(15), told("undo", "set_lr", 0)}}));
  for (int kill = 0; kill < 2; ++kill)  // from the checkpoint of step 15
    run(folder, true, {{Event::run_started, 15, 0, {{"saves", int64_t{3}}}}, told("undo", "set_lr", 0)});
  CHECK(history(folder) == std::vector<std::string>{"set_lr 0 start", "set_lr 0 edited", "set_lr 0 success", "set_lr 0 undo"});
}

TEST_CASE("an undo knows the lines of an earlier version by the operation's name") {
  const TempFolder folder;
  const auto old = [](const char* operation) {
    return Record{Event::operation, 12, 0, {{"phase", "success"}, {"operation", operation}}};
  };
  run(folder, false, {old("set_lr"), old("freeze_layer"), step(13), told("undo", "set_lr", 0)});
  CHECK(history(folder) == std::vector<std::string>{"set_lr  success", "set_lr 0 undo"});
}

TEST_CASE("a line cut off by a crash is gone after resuming") {
  const TempFolder folder;
  run(folder, false, {step(1), step(2)});
  const std::string whole = read_raw(folder.path / "metrics.jsonl");
  write_raw(folder.path / "metrics.jsonl", whole + R"({"event":"step_en)");
  run(folder, true, {step(5)});
  CHECK(lines(folder).size() == 3);
  for (const std::string& line : lines(folder)) CHECK(json::accept(line));
}

TEST_CASE("a resumed run without a file starts one") {
  const TempFolder folder;
  run(folder, true, {step(5)});
  CHECK(lines(folder).size() == 1);
}

TEST_CASE("a metrics file that cannot be written is an error naming it") {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path / "metrics.jsonl");
  const Error e = error_of([&] { run(folder, false, {}); });
  CHECK(e.code() == Code::io);
  CHECK(e.where() == (folder.path / "metrics.jsonl").string());
}

TEST_CASE("a full disk is an error and leaves whole lines only") {
  const TempFolder folder;
  std::filesystem::create_symlink("/dev/full", folder.path / "metrics.jsonl");
  const Error e = error_of([&] { run(folder, false, {step(1)}); });
  CHECK(e.code() == Code::disk_full);
}
