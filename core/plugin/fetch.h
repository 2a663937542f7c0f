// Downloads a file once into a cache folder. A file gets its name there only when it is complete and a given SHA-256 fits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/plugin/cache_folder.h"

namespace gptcore {

struct FetchOptions {
  std::string folder;  // empty: cache_folder()
  int tries = 3;
  double backoff_seconds = 1;  // before the second try; doubles with each
  int64_t connect_timeout_seconds = 20;
  int64_t stall_seconds = 30;                                 // a try that gets no byte for this long has failed
  std::function<void(int64_t done, int64_t total)> progress;  // bytes; total 0 = unknown
  std::function<void(const std::string& why)> retrying;
  std::function<void(const std::string& sha256)> unverified;  // called when no hash was given to check the file by
};

// Returns the path of a local copy of `url` (http, https or file) with that SHA-256 (64 hex digits). An interrupted download is
// resumed. Two processes may fetch the same file: one waits for the other. With an empty `sha256` only the file's length is
// checked, the partial file of an earlier process is discarded, and a complete file from before counts as right.
// Throws Error(download_failed), which says how to provide the file by hand, or Error(usage) for an invalid url or hash.
std::string fetch(std::string_view url, std::string_view sha256, const FetchOptions& options = {});

// Throws Error(usage) for an invalid url or hash, as fetch() does.
void require_fetchable(std::string_view url, std::string_view sha256);

// Returns the last part of the url's path, made safe as a file name, or "file" when the path has none.
std::string file_name_of(std::string_view url);

}  // namespace gptcore
