// What this program does for its plugins.
#pragma once

#include "core/base/log.h"
#include "core/plugin/progress.h"
#include "gptcore/host.h"

namespace gptcore {

class ProgramHost final : public Host {
 public:
  // `log` must outlive it. Progress goes to standard error.
  explicit ProgramHost(Log& log);
  void log(Level level, std::string_view text) override;
  void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) override;
  std::string fetch(std::string_view url, std::string_view sha256) override;

 private:
  Log& log_;
  Progress progress_;
};

}  // namespace gptcore
