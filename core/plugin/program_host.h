// Implements what this program does for its plugins.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/log.h"
#include "core/plugin/progress.h"
#include "gptcore/host.h"

namespace gptcore {

class ProgramHost final : public Host {
 public:
  // `log` must outlive this object. Progress goes to standard error.
  explicit ProgramHost(Log& log);
  void log(Level level, std::string_view text) override;
  void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) override;
  std::string fetch(std::string_view url, std::string_view sha256) override;
  void* service(std::string_view id) override;
  // From now on only warnings are written, and no progress.
  void quieten();
  // From now on fetch() throws Error(download_failed).
  void refuse_downloads() { offline_ = true; }
  // Makes service(id) return `service`, which must outlive the plugins' objects.
  void offer(std::string id, void* service) { services_.emplace_back(std::move(id), service); }

 private:
  Log& log_;
  Progress progress_;
  bool quiet_ = false, offline_ = false;
  std::vector<std::pair<std::string, void*>> services_;
};

}  // namespace gptcore
