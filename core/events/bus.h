// Hands each record to the loggers that asked for its event, in pipeline order. A logger that throws is switched off with one
// warning.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gptcore/host.h"
#include "gptcore/logger.h"

namespace gptcore {

class EventBus {
 public:
  explicit EventBus(Host& host);
  ~EventBus();
  // Opens the logger and adds it for these events (Item::events). Throws when it fails to open.
  void add(std::string name, std::unique_ptr<Logger> logger, EventSet events, const LoggerContext& context);
  void emit(Event event, int64_t step, Table fields = {});
  // Returns the paths and addresses where the loggers that are still on keep their records.
  std::vector<std::string> sinks();
  // Closes every logger, last one first. emit() must not follow.
  void close();

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Logger> logger;
    EventSet events = 0;
  };
  template <class F> bool attempt(const Entry& entry, F&& call);
  Host& host_;
  std::vector<Entry> loggers_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace gptcore
