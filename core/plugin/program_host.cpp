#include "core/plugin/program_host.h"

#include "core/plugin/call_watch.h"
#include "core/plugin/fetch.h"
#include "gptcore/error.h"

namespace gptcore {
ProgramHost::ProgramHost(Log& log) : log_(log), progress_(standard_progress()) {}

void ProgramHost::quieten() {
  quiet_ = true;
  log_.set_least(Level::warning);
}

void ProgramHost::log(Level level, std::string_view text) {
  progress_.print_above([&] { log_.write(level, text); });
}

void ProgramHost::progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) {
  CallWatch::note_progress();
  if (!quiet_) progress_.update(label, done, total, unit);
}

void* ProgramHost::service(std::string_view id) {
  for (const auto& [known, service] : services_)
    if (known == id) return service;
  return nullptr;
}

std::string ProgramHost::fetch(std::string_view url, std::string_view sha256) {
  require_fetchable(url, sha256);
  if (offline_) throw Error(Code::download_failed, "nothing is downloaded while a pipeline is checked", {}, std::string(url));
  FetchOptions options;
  const std::string label = "downloading " + file_name_of(url);
  options.progress = [&](int64_t done, int64_t total) { progress(label, done, total, "B"); };
  options.retrying = [&](const std::string& why) { log(Level::warning, why); };
  options.unverified = [&](const std::string& found) {
    log(Level::info, std::string(url) + " has SHA-256 " + found + ": write it as sha256 to have later downloads checked");
  };
  try {
    return gptcore::fetch(url, sha256, options);
  } catch (...) {
    progress_.clear();
    throw;
  }
}

}  // namespace gptcore
