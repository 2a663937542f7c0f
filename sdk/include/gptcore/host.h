// What the program does for a plugin: messages, progress and downloads look and behave the same everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gptcore {

enum class Level : int { debug, info, warning };

// Owned by the program and alive as long as the plugin's objects. Every call is [any thread].
class Host {
 public:
  virtual ~Host();
  virtual void log(Level level, std::string_view text) = 0;
  // A bar with rate and ETA on a terminal, a few plain lines elsewhere. `total` 0 = unknown; done == total ends it.
  virtual void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) = 0;
  // The path of a local copy of `url` whose SHA-256 is `sha256` (64 hex digits; empty: unknown), downloading it into the
  // cache folder when it is not there yet. Throws Error(download_failed) with how to provide the file by hand.
  virtual std::string fetch(std::string_view url, std::string_view sha256) = 0;
  // What later versions of the program offer, by its id ("gptcore.metrics/1"); null when this one does not.
  virtual void* service(std::string_view id);
};

}  // namespace gptcore
