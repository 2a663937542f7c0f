#include "core/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string>

namespace gptcore {

struct Log::Sink {
  spdlog::logger logger{"gptcore", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
  }
  return spdlog::level::warn;
}

}  // namespace

Log::Log(Level least) : sink_(std::make_unique<Sink>()) {
  sink_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("gptcore: %v"));
  sink_->logger.set_level(spdlog_level(least));
}

Log::~Log() = default;

void Log::write(Level level, std::string_view text) {
  std::string line = level == Level::warning ? "warning: " : level == Level::debug ? "debug: " : "";
  line += text;
  sink_->logger.log(spdlog_level(level), line);
}

}  // namespace gptcore
