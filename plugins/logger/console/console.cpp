// What a run says on standard output: one line a logged step, redrawn in place on a terminal; evaluations, checkpoints,
// samples and the summary stay.
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <vector>

#include "gptcore/draft/terminal.h"
#include "gptcore/event_fields.h"
#include "gptcore/plugin.h"
#include "timing_tree.h"

namespace {

using namespace gptcore;

__attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

// A field as a number; false when the record has none of that name.
bool number(const Record& r, const char* name, double& out) {
  const Value* v = find(r.fields, name);
  if (v && v->is<int64_t>())
    out = static_cast<double>(v->as<int64_t>());
  else if (v && v->is<double>())
    out = v->as<double>();
  else
    return false;
  return true;
}

std::string text(const Record& r, const char* name) {
  const Value* v = find(r.fields, name);
  if (!v) return {};
  return v->is<std::string>() ? v->as<std::string>() : to_toml(*v);
}

bool flag(const Record& r, const char* name) {
  const Value* v = find(r.fields, name);
  return v && v->is<bool>() && v->as<bool>();
}

// 21900 -> "21.9K"
std::string short_number(double n) {
  if (n >= 1e9) return format("%.2fB", n / 1e9);
  if (n >= 1e6) return format("%.2fM", n / 1e6);
  if (n >= 1e3) return format("%.1fK", n / 1e3);
  return format("%.0f", n);
}

std::string duration(double seconds) {
  const auto s = static_cast<long long>(std::ceil(seconds));
  if (s < 60) return format("%llds", s);
  if (s < 3600) return format("%lldm%02llds", s / 60, s % 60);
  return format("%lldh%02lldm", s / 3600, s / 60 % 60);
}

void append(std::string& line, const std::string& part) {
  line += (line.back() == ':' ? " " : ", ") + part;
}

// A part of the step's line. Where the line is too long for the terminal, the parts of the highest rank go first.
struct Part {
  std::string text;
  int rank = 0;  // 0 stays
};

std::vector<Part> step_parts(const Record& r) {
  std::vector<Part> parts;
  double n = 0;
  if (number(r, field::kLoss, n)) parts.push_back({format("loss %.4f", n)});
  if (find(r.fields, field::kNoTargets)) parts.push_back({"loss: no targets"});
  if (number(r, field::kLr, n)) parts.push_back({format("lr %.2e", n), 4});
  if (number(r, field::kGradNorm, n)) parts.push_back({format("norm %.2f", n), 5});
  if (number(r, field::kMs, n)) parts.push_back({format("%.2fms", n), 3});
  if (number(r, field::kTokensPerSecond, n)) parts.push_back({short_number(n) + " tok/s", 2});
  if (number(r, field::kMfu, n)) parts.push_back({format("mfu %.1f%%", n * 100), 6});
  return parts;
}

std::string step_line(const std::string& begin, const std::vector<Part>& parts) {
  std::string line = begin;
  for (const Part& part : parts) append(line, part.text);
  return line;
}

std::string begin_of(const Record& r) {
  double iter = static_cast<double>(r.step);
  number(r, field::kIter, iter);
  return format("iter %.0f:", iter);
}

// The step's line for a terminal that is `columns` wide, with how far the stage is and the time left.
std::string redrawn_line(const Record& r, int columns) {
  double progress = 0, eta = 0;
  const std::string begin = (number(r, field::kProgress, progress) ? format("%3.0f%% ", progress * 100) : "") + begin_of(r);
  std::vector<Part> parts = step_parts(r);
  if (number(r, field::kEtaSeconds, eta)) parts.push_back({duration(eta) + " left", 1});
  const auto lower = [](const Part& a, const Part& b) { return a.rank < b.rank; };
  while (columns_of(step_line(begin, parts)) > columns) {
    const auto least = std::max_element(parts.begin(), parts.end(), lower);
    if (least == parts.end() || least->rank == 0) break;
    parts.erase(least);
  }
  return fitted(step_line(begin, parts), columns);
}

std::string evaluation_line(const Record& r) {
  std::string line = format("step %lld:", static_cast<long long>(r.step));
  double n = 0;
  if (number(r, field::kTrainLoss, n)) append(line, format("train loss %.4f", n));
  if (number(r, field::kValLoss, n)) append(line, format("val loss %.4f", n));
  if (const Value* without = find(r.fields, field::kNoTargets); without && without->is<List>())
    for (const Value& split : without->as<List>()) append(line, split.as<std::string>() + " loss: no targets");
  if (flag(r, field::kWholeSplit)) line += " (whole split)";
  constexpr int kShown = 4;
  int metrics = 0;
  for (const auto& [key, value] : r.fields)  // an evaluator's: "<item>.<metric>"
    if (key.find('.') != std::string::npos && value.is<double>() && ++metrics <= kShown)
      append(line, key + format(" %.4f", value.as<double>()));
  if (metrics > kShown) line += format(" and %d more", metrics - kShown);
  return line;
}

std::string edit_line(const Record& r) {
  std::string line = format("step %lld: ", static_cast<long long>(r.step)) + text(r, field::kOperation) + ":";
  const Value* changes = find(r.fields, field::kChanges);
  if (!changes || !changes->is<List>()) return line;
  constexpr size_t kShown = 4;
  const List& all = changes->as<List>();
  for (size_t i = 0; i < all.size() && i < kShown; ++i) append(line, all[i].is<std::string>() ? all[i].as<std::string>() : "");
  if (all.size() > kShown) line += format(" and %zu more", all.size() - kShown);
  double carried = 0, fresh = 0;
  if (number(r, field::kMomentsCarried, carried) && number(r, field::kMomentsNew, fresh))
    line += format("; AdamW's moments of %.0f parameters carried, %.0f new", carried, fresh);
  return line;
}

// "OPERATION_START: name=change_lr | iter=500 | value=0.5 | trigger=Loss threshold | ..."
std::string operation_line(const Record& r) {
  std::string line = "OPERATION_";
  for (const char c : text(r, field::kPhase)) line += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const char* separator = ": ";
  for (const auto& [key, value] : r.fields) {
    if (key == field::kPhase || key == field::kEdit) continue;
    const bool loss = value.is<double>() && (key.find("loss") != std::string::npos || key == field::kChange);
    line += separator + (key == field::kOperation ? "name" : key) + "=" +
            (loss ? format("%.4f", value.as<double>()) : text(r, key.c_str()));
    separator = " | ";
  }
  return line;
}

std::string header(const Record& r) {
  std::string line = "run " + text(r, field::kName) + ":";
  double n = 0;
  if (number(r, field::kParams, n)) append(line, short_number(n) + " parameters");
  for (const char* name : {field::kDevice, field::kPrecision})
    if (const std::string value = text(r, name); !value.empty()) append(line, value);
  if (number(r, "tokens_per_step", n)) append(line, format("%.0f tokens per step", n));
  if (const std::string dir = text(r, field::kRunDir); !dir.empty()) line += "\nresults in " + dir;
  return line;
}

std::string summary(const Record& r) {
  double n = 0;
  const std::string result = text(r, field::kResult);  // "done", "failed" or "interrupted"
  std::string line = result.empty() ? "done" : result;
  if (number(r, field::kSeconds, n) || (n = r.seconds) > 0) line += (line == "done" ? " in " : " after ") + duration(n);
  for (const char* name : {field::kRunDir, field::kMetrics, field::kCheckpoint})
    if (const std::string value = text(r, name); !value.empty()) line += format("\n  %-11s", name) + value;
  return line;
}

constexpr const char *kBold = "\x1b[1m", *kRed = "\x1b[1;31m", *kYellow = "\x1b[1;33m", *kCyan = "\x1b[36m",
                     *kPlain = "\x1b[0m";

const char* color_of(const Record& r) {
  switch (r.event) {
    case Event::run_started:
    case Event::stage_started:
    case Event::evaluation_ended:
      return kBold;
    case Event::operation:
      return text(r, field::kPhase) == "error" ? kRed : kCyan;
    case Event::model_edited:
      return kCyan;
    case Event::interrupted:
      return kYellow;
    case Event::failed:
      return kRed;
    default:
      return "";
  }
}

class Console final : public Logger {
 public:
  void open(const LoggerContext& context) override {
    terminal_ = context.terminal;
    colors_ = colors_wanted(terminal_);
  }

  void record(const Record& r) override {
    color_ = colors_ ? color_of(r) : "";
    if (const std::string tree = timing_.take(r); !tree.empty()) line(tree);
    switch (r.event) {
      case Event::step_ended:
        return step(r);
      case Event::evaluation_ended:
        return line(evaluation_line(r));
      case Event::run_started:
        return line(header(r));
      case Event::stage_started:
        return line("stage " + text(r, field::kName) + " (" + text(r, field::kKind) + ")");
      case Event::checkpoint_saved:
        return line((flag(r, field::kBest) ? "best checkpoint: " : "checkpoint: ") + text(r, field::kPath));
      case Event::operation:
        return line(operation_line(r));
      case Event::model_edited:
        return line(edit_line(r));
      case Event::sampled:
        return line("--- sample\n" + text(r, field::kPrompt) + text(r, field::kText) + "\n---");
      case Event::interrupted:
        return line("interrupted by " + text(r, field::kSignal) + " at step " + std::to_string(r.step));
      case Event::failed:
        return line("failed: " + text(r, field::kMessage));
      case Event::run_ended:
        return line(summary(r));
      case Event::evaluation_started:
      case Event::item_evaluated:
      case Event::stage_ended:
        return;
    }
  }

  void close() override {
    if (drawn_) std::fputs("\n", stdout);
    drawn_ = false;
    std::fflush(stdout);
  }

 private:
  void step(const Record& r) {
    if (!terminal_) return line(step_line(begin_of(r), step_parts(r)));
    write(kClearLine + redrawn_line(r, terminal_columns(STDOUT_FILENO) - 1));
    drawn_ = true;
  }

  // A line that stays. On a terminal it takes the place of an unfinished one, which may be the program's own progress.
  void line(const std::string& shown) {
    write((terminal_ ? kClearLine : "") + (*color_ ? color_ + shown + kPlain : shown) + "\n");
    drawn_ = false;
  }

  static void write(const std::string& bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() || std::fflush(stdout) != 0)
      throw Error(Code::io, "cannot write to standard output");
  }

  static constexpr const char* kClearLine = "\r\x1b[K";

  console::TimingTree timing_;
  bool terminal_ = false, colors_ = false;
  const char* color_ = "";  // of the record at work
  bool drawn_ = false;      // a line without an end is on the terminal
};

void setup(Registrar& r) {
  r.logger<Console>("console", "progress, evaluations and samples on standard output");
}

}  // namespace

GPTCORE_PLUGIN("console", GPTCORE_VERSION, setup)
