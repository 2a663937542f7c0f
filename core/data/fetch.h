// Downloads a file once into a cache folder. A file gets its name there only after its SHA-256 was found right.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/data/cache_folder.h"

namespace gptcore {

struct FetchOptions {
  std::string folder;  // empty: cache_folder()
  int tries = 3;
  double backoff_seconds = 1;  // before the second try; doubles with each
  int64_t connect_timeout_seconds = 20;
  int64_t stall_seconds = 30;                                 // a try that gets no byte for this long has failed
  std::function<void(int64_t done, int64_t total)> progress;  // bytes; total 0 = unknown
  std::function<void(const std::string& why)> retrying;
  std::function<void(const std::string& sha256)> unverified;  // of a file that came without a hash to check it by
};

// The path of a local copy of `url` (http, https or file) with that SHA-256 (64 hex digits). An interrupted download is
// resumed. Two processes may fetch the same file: one waits for the other. With an empty `sha256` only the file's length is
// checked, what an earlier process left half done is not gone on with, and a file that is there counts as right.
// Throws Error(download_failed) with how to provide the file by hand, Error(usage) for a malformed url or hash.
std::string fetch(std::string_view url, std::string_view sha256, const FetchOptions& options = {});

// Throws Error(usage) for a malformed url or hash, as fetch() does.
void require_fetchable(std::string_view url, std::string_view sha256);

// The last part of the url's path, made safe as a file name; "file" when there is none.
std::string file_name_of(std::string_view url);

}  // namespace gptcore
