// metrics.jsonl in the run's folder: one JSON object a record, {"event", "step", "seconds", ...fields}. A reader sees whole
// lines only. Where training goes on from an earlier state, after a restart or an undone operation, the lines of what is about
// to be repeated are dropped first. The checkpoint that it goes on from decides which: its number is the field "saves".
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "gptcore/event_fields.h"
#include "gptcore/json.h"
#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using Json = nlohmann::ordered_json;

std::string line_of(const Record& r) {
  Json json = {{"event", name_of(r.event)}, {"step", r.step}, {"seconds", r.seconds}};
  for (const auto& [key, value] : r.fields)
    if (!json.contains(key)) json[key] = to_json<Json>(value);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

class Jsonl final : public Logger {
 public:
  Jsonl() = default;
  Jsonl(Jsonl&& other) noexcept
      : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), last_step_(other.last_step_) {}
  ~Jsonl() override {
    if (file_ >= 0) ::close(file_);
  }

  void open(const LoggerContext& context) override {
    path_ = context.run_dir + "/metrics.jsonl";
    last_step_ = context.resumed ? kUnknown : 0;
    open_file(context.resumed ? 0 : O_TRUNC);
  }

  void record(const Record& r) override {
    const Value *phase = find(r.fields, field::kPhase), *operation = find(r.fields, field::kOperation);
    const bool undone = r.event == Event::operation && phase && *phase == Value("undo") && operation;
    if (undone)
      keep_until(r.step, until_last_of(r));
    else if (r.step < last_step_)
      keep_until(r.step, without_repeated(r.step, number_in(r, field::kSaves)));
    last_step_ = r.step;
    write_line(line_of(r));
  }

  std::string sink() const override { return path_; }

  void close() override {
    const int file = std::exchange(file_, -1);
    if (file >= 0 && ::close(file) != 0) fail("close");
  }

 private:
  static constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

  void open_file(int flag) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flag, 0644);
    if (file_ < 0) fail("open");
  }

  // Calls f with each line that is whole, and the object it holds.
  template <class F> void for_each_line(F&& f) const {
    std::ifstream in(path_, std::ios::binary);
    for (std::string line; std::getline(in, line);)
      if (const Json json = Json::parse(line, nullptr, false); json.is_object()) f(line, json);
  }

  static std::optional<int64_t> number_in(const Record& r, const char* key) {
    const Value* number = find(r.fields, key);
    return number && number->is<int64_t>() ? std::optional(number->as<int64_t>()) : std::nullopt;
  }

  static bool tells(const Json& json, Event event) { return json.value("event", Json()) == name_of(event); }

  static int64_t step_of(const Json& json) {
    const auto found = json.find("step");
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : kUnknown;
  }

  // Which lines of a step stay, by their place in the file.
  using Kept = std::function<bool(int64_t)>;

  static Kept all() {
    return [](int64_t) { return true; };
  }

  // Those up to the last one about the operation that is undone. Undoing it may have been told already, by a run that was
  // killed before it had saved that; an operation is known by the number of its edit, in lines of earlier versions by its name.
  Kept until_last_of(const Record& undone) const {
    const auto edit = number_in(undone, field::kEdit);
    const Json name = to_json<Json>(*find(undone.fields, field::kOperation));
    int64_t place = 0, last = kUnknown;
    for_each_line([&](const std::string&, const Json& json) {
      ++place;
      if (step_of(json) != undone.step || json.value(field::kPhase, Json()) == "undo") return;
      if (edit && json.contains(field::kEdit) ? json.at(field::kEdit) == *edit : json.value(field::kOperation, Json()) == name)
        last = place;
    });
    return [last](int64_t at) { return at <= last; };
  }

  // All but what a stage that did not end measured, changed or showed after the checkpoint of that number was saved or gone on
  // from; 0 is the start of the run. All where no line tells of the checkpoint.
  Kept without_repeated(int64_t step, std::optional<int64_t> number) const {
    if (!number) return all();
    std::set<int64_t> dropped, open;
    int64_t place = 0;
    bool after = *number == 0;
    for_each_line([&](const std::string&, const Json& json) {
      ++place;
      if (step_of(json) != step) return;
      const bool starts = tells(json, Event::run_started);
      if (!after) {
        after = (starts || tells(json, Event::checkpoint_saved)) && json.value(field::kSaves, Json()) == *number;
        return;
      }
      for (const Event repeated : {Event::evaluation_started, Event::item_evaluated, Event::evaluation_ended, Event::operation,
                                   Event::model_edited, Event::sampled})
        if (tells(json, repeated)) open.insert(place);
      if (starts) dropped.merge(open);
      if (starts || tells(json, Event::stage_ended)) open.clear();
    });
    dropped.merge(open);
    return [dropped](int64_t at) { return !dropped.contains(at); };
  }

  // Leaves the lines before `step` and those of it that are kept.
  void keep_until(int64_t step, const Kept& kept) {
    const std::string kept_path = path_ + ".tmp";
    std::ofstream out(kept_path, std::ios::binary);
    int64_t place = 0;
    for_each_line([&](const std::string& line, const Json& json) {
      ++place;
      if (step_of(json) < step || (step_of(json) == step && kept(place))) out << line << '\n';
    });
    out.close();
    if (!out || ::rename(kept_path.c_str(), path_.c_str()) != 0) fail("rewrite");
    close();
    open_file(0);
  }

  void write_line(const std::string& line) {
    const off_t end = ::lseek(file_, 0, SEEK_END);
    size_t done = 0;
    while (done < line.size()) {
      const ssize_t put = ::write(file_, line.data() + done, line.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) {
        const int reason = errno;
        static_cast<void>(!::ftruncate(file_, end));  // only whole lines; the write's own reason matters more
        errno = reason;
        fail("write");
      }
      done += static_cast<size_t>(put);
    }
  }

  [[noreturn]] void fail(const char* what) const {
    const int reason = errno;
    throw Error(reason == ENOSPC || reason == EDQUOT ? Code::disk_full : Code::io,
                std::string("cannot ") + what + " the metrics file: " + std::strerror(reason), "", path_);
  }

  std::string path_;
  int file_ = -1;
  int64_t last_step_ = 0;  // of the records so far; kUnknown: a run before this one wrote them
};

void setup(Registrar& r) {
  r.logger<Jsonl>("jsonl", "every record as a line of JSON in the run's metrics.jsonl");
}

}  // namespace

GPTCORE_PLUGIN("jsonl", GPTCORE_VERSION, setup)
