#include "core/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <string>

#include "core/base/message.h"

namespace gptcore {

struct Log::Sink {
  spdlog::logger logger{"gptcore", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  MessageStyle style = message_style();
  // Clears the rest of a progress line on the terminal, which another stream may have written.
  const char* begin = !style.json && ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
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
  sink_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  set_least(least);
}

void Log::set_least(Level least) {
  sink_->logger.set_level(spdlog_level(least));
}

Log::~Log() = default;

void Log::write(Level level, std::string_view text) {
  sink_->logger.log(spdlog_level(level), sink_->begin + message_line(level, text, sink_->style));
}

}  // namespace gptcore
