// metrics.jsonl in the run's folder: one JSON object a record, {"event", "step", "seconds", ...fields}. A reader sees whole
// lines only. Where training goes on from an earlier step, after a restart or an undone operation, the lines of what is about
// to be repeated are dropped first.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "gptcore/plugin.h"

namespace {

using namespace gptcore;
using Json = nlohmann::ordered_json;

Json json_of(const Value& value) {
  if (value.is<bool>()) return value.as<bool>();
  if (value.is<int64_t>()) return value.as<int64_t>();
  if (value.is<double>()) return value.as<double>();  // NaN and infinities become null
  if (value.is<std::string>()) return value.as<std::string>();
  if (value.is<List>()) {
    Json out = Json::array();
    for (const Value& v : value.as<List>()) out.push_back(json_of(v));
    return out;
  }
  if (value.is<Table>()) {
    Json out = Json::object();
    for (const auto& [key, v] : value.as<Table>()) out[key] = json_of(v);
    return out;
  }
  return nullptr;
}

std::string line_of(const Record& r) {
  Json json = {{"event", name_of(r.event)}, {"step", r.step}, {"seconds", r.seconds}};
  for (const auto& [key, value] : r.fields)
    if (!json.contains(key)) json[key] = json_of(value);
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
    const Value *phase = find(r.fields, "phase"), *operation = find(r.fields, "operation");
    const bool undone = r.event == Event::operation && phase && *phase == Value("undo") && operation;
    if (r.step < last_step_ || undone) drop_after(r.step, undone ? operation->as<std::string>() : "");
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

  static int64_t step_of(const Json& json) {
    const auto found = json.find("step");
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : kUnknown;
  }

  // Leaves the lines of steps up to `step`; those of that step that follow the last one about `undone` are dropped, too.
  void drop_after(int64_t step, const std::string& undone) {
    int64_t number = 0, last = kUnknown;
    for_each_line([&](const std::string&, const Json& json) {
      ++number;
      if (!undone.empty() && step_of(json) == step && json.value("operation", Json()) == undone) last = number;
    });
    const std::string kept_path = path_ + ".tmp";
    std::ofstream out(kept_path, std::ios::binary);
    number = 0;
    for_each_line([&](const std::string& line, const Json& json) {
      ++number;
      if (step_of(json) < step || (step_of(json) == step && number <= last)) out << line << '\n';
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
