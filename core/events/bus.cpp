#include "core/events/bus.h"

#include <cmath>
#include <exception>
#include <limits>
#include <utility>

namespace gptcore {

EventBus::EventBus(Host& host) : host_(host) {}

EventBus::~EventBus() {
  close();
}

void EventBus::add(std::string name, std::unique_ptr<Logger> logger, EventSet events, const LoggerContext& context) {
  logger->open(context);
  loggers_.push_back({std::move(name), std::move(logger), events});
}

template <class F> bool EventBus::attempt(const Entry& entry, F&& call) {
  try {
    call();
    return true;
  } catch (const std::exception& e) {
    host_.log(Level::warning, "logger '" + entry.name + "' is switched off for the rest of the run: " + e.what());
    return false;
  }
}

void EventBus::emit(Event event, int64_t step, Table fields) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  for (auto& [name, value] : fields)
    if (value.is<double>() && std::isnan(value.as<double>())) value = std::numeric_limits<double>::quiet_NaN();
  const Record record{event, step, seconds, std::move(fields)};
  std::erase_if(loggers_,
                [&](const Entry& e) { return (e.events & on(event)) != 0 && !attempt(e, [&] { e.logger->record(record); }); });
}

std::vector<std::string> EventBus::sinks() {
  std::vector<std::string> all;
  for (const Entry& e : loggers_) {
    std::string sink;
    if (attempt(e, [&] { sink = e.logger->sink(); }) && !sink.empty()) all.push_back(std::move(sink));
  }
  return all;
}

void EventBus::close() {
  while (!loggers_.empty()) {
    attempt(loggers_.back(), [&] { loggers_.back().logger->close(); });
    loggers_.pop_back();
  }
}

}  // namespace gptcore
