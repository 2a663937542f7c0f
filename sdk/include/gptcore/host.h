// The services that the program offers to plugins, so that messages, progress and downloads look the same everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gptcore {

enum class Level : int { debug, info, warning };

// The program owns it and keeps it alive longer than the plugin's objects. Every method may be called on [any thread].
class Host {
 public:
  virtual ~Host();
  virtual void log(Level level, std::string_view text) = 0;
  // Shows a bar with rate and ETA on a terminal and a few plain lines elsewhere. `total` is 0 when it is unknown; a call with
  // done == total ends the bar.
  virtual void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit) = 0;
  // Returns the path of a local copy of `url` whose SHA-256 is `sha256` (64 hex digits; empty: unknown). Downloads the file
  // into the cache folder when there is no copy. Throws Error(download_failed), which says how to provide the file by hand.
  virtual std::string fetch(std::string_view url, std::string_view sha256) = 0;
  // Returns a further service by its id (service_of<T>() in extension.h), or null when this program does not offer it.
  virtual void* service(std::string_view id);
};

}  // namespace gptcore
