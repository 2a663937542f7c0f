#include <pty.h>
#include <unistd.h>

#include <cstdio>

#include "built_in.h"
#include "gptcore/draft/terminal.h"
#include "tests/catch.h"
#include "tests/unit/base/environment.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

// Records these with `output` as standard output.
void record_all(int output, bool terminal, const std::vector<Record>& records) {
  std::fflush(stdout);
  const int saved = ::dup(STDOUT_FILENO);
  ::dup2(output, STDOUT_FILENO);
  {
    SilentHost host;
    const auto logger = built_in().logger("console", {});
    logger->open({"", terminal, false, &host});
    for (const Record& r : records) logger->record(r);
    logger->close();
  }
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
}

// What the logger prints to standard output for these records, without colors.
std::string printed(bool terminal, const std::vector<Record>& records) {
  const Environment plain(kColorVariable, "never");
  const TempFolder folder;
  const std::string path = (folder.path / "out").string();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  record_all(::fileno(file), terminal, records);
  std::fclose(file);
  return read_raw(path);
}

// The same on a terminal that is `columns` wide.
std::string printed_on_terminal(unsigned short columns, const std::vector<Record>& records) {
  int terminal = -1, program = -1;
  winsize size{24, columns, 0, 0};
  REQUIRE(::openpty(&terminal, &program, nullptr, nullptr, &size) == 0);
  record_all(program, true, records);
  ::close(program);  // what it has written can be read until the end
  std::string text;
  char piece[4096];
  for (ssize_t got; (got = ::read(terminal, piece, sizeof piece)) > 0;) text.append(piece, static_cast<size_t>(got));
  ::close(terminal);
  return text;
}

Record step() {
  return {Event::step_ended,
          10,
          1,
          {{"loss", 3.21449},
           {"lr", 1e-3},
           {"grad_norm", 1.234},
           {"ms", 36.1},
           {"tokens_per_s", 21900},
           {"mfu", 0.452},
           {"progress", 0.05},
           {"eta_s", 83.0}}};
}

Record evaluation() {
  return {Event::evaluation_ended, 250, 2, {{"train_loss", 1.9}, {"val_loss", 2}}};
}

}  // namespace

TEST_CASE("steps and evaluations are plain lines when the output is no terminal") {
  CHECK(printed(false, {step(), evaluation()}) ==
        "iter 10: loss 3.2145, lr 1.00e-03, norm 1.23, 36.10ms, 21.9K tok/s, mfu 45.2%\n"
        "step 250: train loss 1.9000, val loss 2.0000\n");
}

TEST_CASE("on a terminal steps are one redrawn line and evaluations stay") {
  const std::string out = printed(true, {step(), step(), evaluation(), step()});
  CHECK_THAT(out, Contains("\r\x1b[K  5% iter 10: loss 3.2145") && Contains("1m23s left\r\x1b[K  5% iter") &&
                      Contains("\r\x1b[Kstep 250: train loss 1.9000, val loss 2.0000\n"));
  CHECK(out.back() == '\n');
}

TEST_CASE("a step's line fits the terminal: what matters least is left out") {
  const Environment plain(kColorVariable, "never");
  const std::string whole = "  5% iter 10: loss 3.2145, lr 1.00e-03, norm 1.23, 36.10ms, 21.9K tok/s, mfu 45.2%, 1m23s left";
  const auto line = [](unsigned short columns) {
    const std::string shown = printed_on_terminal(columns, {step()});
    return shown.substr(4, shown.find_last_not_of("\r\n") - 3);
  };
  CHECK(line(static_cast<unsigned short>(whole.size() + 1)) == whole);
  CHECK(line(80) == "  5% iter 10: loss 3.2145, lr 1.00e-03, 36.10ms, 21.9K tok/s, 1m23s left");
  CHECK(line(40) == "  5% iter 10: loss 3.2145, 1m23s left");
  for (unsigned short columns = 100; columns > 1; --columns) {
    INFO(columns);
    CHECK(columns_of(line(columns)) < columns);
  }
}

TEST_CASE("colors mark what stands out on a terminal") {
  const Environment always(kColorVariable, "always");
  const std::string out = printed_on_terminal(80, {evaluation(), {Event::failed, 1, 1, {{"message", "no"}}}, step()});
  CHECK_THAT(out, Contains("\x1b[1mstep 250: train loss 1.9000, val loss 2.0000\x1b[0m") &&
                      Contains("\x1b[1;31mfailed: no\x1b[0m") && !Contains("\x1b[1miter"));
}

TEST_CASE("a line that stays takes the place of the program's own progress") {
  const Environment plain(kColorVariable, "never");
  CHECK(printed_on_terminal(80, {evaluation()}) == "\r\x1b[Kstep 250: train loss 1.9000, val loss 2.0000\r\n");
}

TEST_CASE("an operation's start, end and re-evaluation are lines with all their fields") {
  const Table fields{{"phase", "start"},
                     {"operation", "change_lr"},
                     {"iter", 500},
                     {"value", List{"attn.0", 8}},
                     {"trigger", "Loss threshold"},
                     {"val_loss", 1.98764},
                     {"trigger_loss", 2.0},
                     {"max_wait", 1000}};
  Table failed = fields;
  failed[0].second = "error";
  failed.emplace_back("error", "no layer fits");
  const Table again{
      {"phase", "reevaluation"}, {"operation", "change_lr"}, {"old_val_loss", 2.0}, {"new_val_loss", 1.5}, {"change", -0.5}};
  const std::string rest =
      "name=change_lr | iter=500 | value=[\"attn.0\", 8] | trigger=Loss threshold | val_loss=1.9876 | trigger_loss=2.0000 | "
      "max_wait=1000";
  CHECK(printed(false,
                {{Event::operation, 500, 1, fields}, {Event::operation, 500, 1, failed}, {Event::operation, 500, 1, again}}) ==
        "OPERATION_START: " + rest + "\nOPERATION_ERROR: " + rest + " | error=no layer fits\n" +
            "OPERATION_REEVALUATION: name=change_lr | old_val_loss=2.0000 | new_val_loss=1.5000 | change=-0.5000\n");
}

TEST_CASE("an edit is told with its first changes and what became of the moments") {
  const auto edited = [](const List& changes, Table more) {
    Record r{Event::model_edited, 400, 0, {{"operation", "stack_layers"}, {"changes", changes}}};
    r.fields.insert(r.fields.end(), more.begin(), more.end());
    return printed(false, {r});
  };
  CHECK(edited({"blocks 0 1 0 1"}, {{"moments_carried", 27}, {"moments_new", 2}}) ==
        "step 400: stack_layers: blocks 0 1 0 1; AdamW's moments of 27 parameters carried, 2 new\n");
  CHECK(edited({"a", "b", "c", "d", "e", "f"}, {}) == "step 400: stack_layers: a, b, c, d and 2 more\n");
}

TEST_CASE("fields that are missing or of another type are left out") {
  std::vector<Record> records;
  for (int i = 0; i <= static_cast<int>(Event::failed); ++i) {
    records.push_back({static_cast<Event>(i), 7, 1, {}});
    records.push_back({static_cast<Event>(i), 7, 1, {{"loss", "x"}, {"name", 3}, {"best", "y"}, {"eta_s", true}}});
  }
  for (const bool terminal : {false, true}) CHECK_THAT(printed(terminal, records), Contains("iter 7:"));
}

TEST_CASE("a run begins with what it is and ends with where its results are") {
  const std::string out =
      printed(false, {{Event::run_started,
                       0,
                       0,
                       {{"name", "tiny"},
                        {"run_dir", "runs/tiny"},
                        {"params", 804096},
                        {"device", "cpu"},
                        {"precision", "float32"},
                        {"tokens_per_step", 768}}},
                      {Event::checkpoint_saved, 5, 1, {{"path", "runs/tiny/c5"}, {"best", true}}},
                      {Event::sampled, 5, 1, {{"prompt", "To"}, {"text", " be"}}},
                      {Event::run_ended,
                       5,
                       1,
                       {{"run_dir", "runs/tiny"}, {"metrics", "m.jsonl"}, {"checkpoint", "c5"}, {"seconds", 3725.0}}}});
  CHECK_THAT(out, Contains("run tiny: 804.1K parameters, cpu, float32, 768 tokens per step\n") &&
                      Contains("best checkpoint: runs/tiny/c5\n") && Contains("To be\n") && Contains("done in 1h02m") &&
                      Contains("m.jsonl") && Contains("runs/tiny\n"));
}

TEST_CASE("a stage whose updates were timed ends with the newest times as a tree with shares") {
  Record timed = step();
  for (const auto& [name, ms] : std::vector<std::pair<std::string, double>>{{"gradient_accumulation", 30},
                                                                            {"gradient_accumulation.forward", 10.5},
                                                                            {"gradient_clipping", 0.5},
                                                                            {"optimizer_step", 9.5}})
    timed.fields.emplace_back("time." + name, ms);
  Record older = timed;
  for (auto& field : older.fields) field.second = Value(99.0);
  const std::string out =
      printed(false, {older, timed, step(), {Event::stage_ended, 10, 2, {}}, {Event::stage_ended, 10, 2, {}}});
  CHECK(out.substr(out.find("time of")) ==
        "time of an update (moving average):\n"
        "  gradient_accumulation       30.00 ms   75.0 %\n"
        "    forward                   10.50 ms   26.2 %\n"
        "  gradient_clipping            0.50 ms    1.2 %\n"
        "  optimizer_step               9.50 ms   23.8 %\n");
  CHECK(printed(false, {step(), {Event::stage_ended, 10, 2, {}}}).find("time of") == std::string::npos);
}

TEST_CASE("of many metrics the first are shown and the rest counted") {
  Record many = evaluation();
  for (int i = 0; i < 10; ++i) many.fields.emplace_back("probe.m" + std::to_string(i), 1.0);
  CHECK_THAT(printed(false, {many}), Contains("probe.m3 1.0000 and 6 more\n"));
}

TEST_CASE("a run that failed or was interrupted does not say that it is done") {
  const auto ended = [](const char* result) {
    return printed(false, {{Event::run_ended, 5, 1, {{"result", result}, {"seconds", 62.0}}}});
  };
  CHECK(ended("failed") == "failed after 1m02s\n");
  CHECK(ended("interrupted") == "interrupted after 1m02s\n");
  CHECK(ended("done") == "done in 1m02s\n");
}

TEST_CASE("an evaluation without targets shows no number") {
  CHECK(printed(false, {{Event::evaluation_ended, 5, 1, {{"train_loss", 1.5}, {"no_targets", List{Value("val")}}}}}) ==
        "step 5: train loss 1.5000, val loss: no targets\n");
}

TEST_CASE("an update without targets says so where the loss is shown") {
  CHECK(
      printed(false, {{Event::step_ended, 6, 1, {{"iter", int64_t{5}}, {"no_targets", List{Value("train")}}, {"lr", 1e-3}}}}) ==
      "iter 5: loss: no targets, lr 1.00e-03\n");
}
