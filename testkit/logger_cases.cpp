#include <filesystem>
#include <limits>

#include "core/events/bus.h"
#include "core/plugin/manifest.h"
#include "gptcore/error.h"
#include "testkit/cases.h"

namespace gptcore {
namespace {

std::vector<Record> every_record() {
  std::vector<Record> out;
  for (int event = 0; event < kEvents; ++event)
    out.push_back({static_cast<Event>(event),
                   event,
                   0.5 * event,
                   {{"name", "tiny"},
                    {"kind", "train"},
                    {"loss", 3.25},
                    {"train_loss", 3.5},
                    {"val_loss", 3.75},
                    {"lr", 1e-3},
                    {"iter", 7},
                    {"max_iters", 20},
                    {"message", "a text"},
                    {"path", "/tmp/x"},
                    {"best", true}}});
  return out;
}

bool asks_for(const ItemSubject& s, Event event) {
  return (s.item.events & on(event)) != 0;
}

// Returns the records that a run hands to this logger.
std::vector<Record> records_for(const ItemSubject& s) {
  std::vector<Record> out = every_record();
  std::erase_if(out, [&](const Record& record) { return !asks_for(s, record.event); });
  return out;
}

void takes_every_event(const ItemSubject& s) {
  const auto world = s.world();
  const auto logger = world->logger(s.item.name, s.values());
  for (const Record& record : records_for(s)) logger->record(record);
  logger->close();
}

// Keeps the warnings of a bus, and notes what the bus hands to a logger.
struct Told final : Host {
  void log(Level, std::string_view text) override { warnings += text; }
  void progress(std::string_view, int64_t, int64_t, std::string_view) override {}
  std::string fetch(std::string_view, std::string_view) override { return {}; }
  std::string warnings;
};

class Noted final : public Logger {
 public:
  Noted(std::unique_ptr<Logger> logger, EventSet& got) : logger_(std::move(logger)), got_(got) {}
  void open(const LoggerContext& context) override { logger_->open(context); }
  void record(const Record& record) override {
    got_ |= on(record.event);
    logger_->record(record);
  }
  void close() override { logger_->close(); }

 private:
  std::unique_ptr<Logger> logger_;
  EventSet& got_;
};

std::string listed_events(EventSet events) {
  std::string text;
  for (const std::string& name : names_of_events(events)) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Records through a run's own bus, which leaves out what the logger did not ask for.
void events(const ItemSubject& s) {
  const EventSet asked = s.item.events & kAllEvents;
  expect(asked != 0, "it asks for no event, so it never records anything");
  const auto world = s.world();
  Told told;
  EventSet got = 0;
  {
    EventBus bus(told);
    bus.add(s.item.name, std::make_unique<Noted>(world->plugins().logger(s.item.name, s.values()), got), s.item.events,
            {world->folder().string(), false, false, &told});
    for (Record& record : every_record()) bus.emit(record.event, record.step, std::move(record.fields));
  }
  expect(told.warnings.find("is switched off") == std::string::npos,
         "with the events that it asks for, " + listed_events(asked) + ": " + told.warnings);
  expect(got == asked, "it asks for " + listed_events(asked) + " and gets " + listed_events(got));
}

// Hands over everything unusual that a record may hold.
void takes_odd_records(const ItemSubject& s) {
  const auto world = s.world();
  const auto logger = world->logger(s.item.name, s.values());
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  const Table odd = {{"loss", nan},
                     {"val_loss", -infinite},
                     {"lr", "a text"},
                     {"iter", -1},
                     {"empty", Value()},
                     {"bytes", "\xff\xfe\x01"},
                     {"list", List{1, "a", List{}}},
                     {"table", Table{{"a", Table{}}}},
                     {"long", std::string(100000, 'x')}};
  for (int event = 0; event < kEvents; ++event) {
    if (!asks_for(s, static_cast<Event>(event))) continue;
    logger->record({static_cast<Event>(event), std::numeric_limits<int64_t>::max(), nan, odd});
    logger->record({static_cast<Event>(event), -1, -1, {}});
  }
  if (s.item.events == kAllEvents) logger->record({static_cast<Event>(kEvents + 5), 1, 1, {}});  // of a later version
  logger->close();
}

void close_flushes(const ItemSubject& s) {
  const auto world = s.world();
  auto logger = world->logger(s.item.name, s.values());
  for (const Record& record : records_for(s)) logger->record(record);
  const std::filesystem::path sink = logger->sink();
  logger->close();
  std::error_code none;
  if (!std::filesystem::is_regular_file(sink, none))
    throw CaseSkipped("sink() " + (sink.empty() ? "is \"\"" : "'" + sink.string() + "' is not a file") +
                      ", so that nothing can be looked at");
  const auto closed = std::filesystem::file_size(sink);
  expect(closed > 0, "after close() its sink is empty");
  logger.reset();
  expect(std::filesystem::file_size(sink) == closed, "its sink still grows after close()");
}

void unopened_may_die(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  for (int i = 0; i < 3; ++i) static_cast<void>(world->plugins().logger(s.item.name, values));
  const auto logger = world->logger(s.item.name, values);  // opened, never closed
}

// When its folder is gone, the logger may fail, but only with an Error.
void survives_a_lost_folder(const ItemSubject& s) {
  const auto world = s.world();
  const Table values = s.values();
  const auto logger = world->plugins().logger(s.item.name, values);
  const std::string folder = (world->folder() / "no such folder").string();
  try {
    logger->open({folder, false, false, nullptr});
    for (const Record& record : records_for(s)) logger->record(record);
    logger->close();
  } catch (const Error&) {
  }
}

void leaves_the_run(const ItemSubject& s) {
  const ScratchFolder with, without;
  TinyPlan plan = s.plan();
  const RunOutcome logged = s.run(plan, with);
  plan.kind.reset();
  expect_equal(logged, s.run(plan, without), "a run with the logger differs from one without it");
}

}  // namespace

void add_logger_cases(const ItemSubject& subject, Cases& cases) {
  add_case(subject, cases, "events", events);
  add_case(subject, cases, "takes_every_event", takes_every_event);
  add_case(subject, cases, "takes_odd_records", takes_odd_records);
  add_case(subject, cases, "close_flushes", close_flushes);
  add_case(subject, cases, "unopened_may_die", unopened_may_die);
  add_case(subject, cases, "survives_a_lost_folder", survives_a_lost_folder);
  add_case(subject, cases, "leaves_the_run", leaves_the_run);
}

}  // namespace gptcore
