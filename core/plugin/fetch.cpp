#include "core/plugin/fetch.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "core/base/hash.h"
#include "gptcore/error.h"
#include "gptcore/version.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

// The partly downloaded file, locked against other processes for the object's life.
class Partial {
 public:
  explicit Partial(const fs::path& path) : path_(path) {
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0 || ::flock(file_, LOCK_EX) != 0) fail("open");
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  ~Partial() { ::close(file_); }

  int64_t size() const { return ::lseek(file_, 0, SEEK_END); }
  // Returns false when another process finished or removed the file while this one waited for the lock.
  bool still_named() const {
    struct stat here {
    }, there{};
    return ::fstat(file_, &here) == 0 && ::stat(path_.c_str(), &there) == 0 && here.st_ino == there.st_ino;
  }
  void restart() const {
    if (::ftruncate(file_, 0) != 0) fail("empty");
  }
  bool append(const char* bytes, size_t count) const {
    while (count > 0) {
      const ssize_t put = ::write(file_, bytes, count);
      if (put <= 0) return false;
      bytes += put;
      count -= static_cast<size_t>(put);
    }
    return true;
  }
  // Gives the finished file its name.
  void publish(const fs::path& name) const {
    if (::fsync(file_) != 0) fail("write");
    if (::rename(path_.c_str(), name.c_str()) != 0) fail("rename");
  }
  [[noreturn]] void fail(const char* what) const {
    const int reason = errno;
    throw Error(reason == ENOSPC ? Code::disk_full : Code::io,
                std::string("cannot ") + what + " the download: " + std::strerror(reason),
                "free some space, or set GPTCORE_CACHE to another folder", path_.string());
  }

 private:
  fs::path path_;
  int file_ = -1;
};

// The state of one try, for libcurl's callbacks.
struct Try {
  const Partial& partial;
  const FetchOptions& options;
  int64_t resumed_from;
  bool disk_failed = false;
};

size_t on_bytes(char* bytes, size_t, size_t count, void* data) {
  auto& attempt = *static_cast<Try*>(data);
  if (attempt.partial.append(bytes, count)) return count;
  attempt.disk_failed = true;
  return 0;
}

int on_progress(void* data, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  const auto& attempt = *static_cast<const Try*>(data);
  const int64_t before = attempt.resumed_from;
  if (attempt.options.progress && done > 0) attempt.options.progress(before + done, total > 0 ? before + total : 0);
  return 0;
}

struct Outcome {
  bool ok = false, again = false;  // again: another try may succeed
  std::string why;
};

bool worth_another_try(CURLcode code, long status) {
  if (code == CURLE_HTTP_RETURNED_ERROR) return status >= 500 || status == 408 || status == 429;
  constexpr CURLcode kTransient[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,  CURLE_OPERATION_TIMEDOUT,
                                     CURLE_PARTIAL_FILE,         CURLE_RECV_ERROR,       CURLE_SEND_ERROR,
                                     CURLE_GOT_NOTHING,          CURLE_SSL_CONNECT_ERROR};
  return std::find(std::begin(kTransient), std::end(kTransient), code) != std::end(kTransient);
}

void set_options(CURL* curl, const std::string& url, Try& attempt, char* message) {
  const FetchOptions& options = attempt.options;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "gptcore/" GPTCORE_VERSION);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout_seconds));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_seconds));
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(attempt.resumed_from));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &attempt);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &attempt);
}

Outcome try_once(const std::string& url, const Partial& partial, const FetchOptions& options) {
  Try attempt{partial, options, partial.size()};
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) throw Error(Code::internal, "libcurl cannot start");
  char message[CURL_ERROR_SIZE] = "";
  set_options(curl.get(), url, attempt, message);

  const CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK) return {true, false, ""};
  if (attempt.disk_failed) partial.fail("write");
  const bool cannot_resume = code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME || status == 416;
  if (cannot_resume && attempt.resumed_from > 0) {
    partial.restart();
    return try_once(url, partial, options);
  }
  return {false, worth_another_try(code, status), message[0] ? message : curl_easy_strerror(code)};
}

// Returns when all bytes have come; throws after the last try.
void download(const std::string& url, const Partial& partial, const FetchOptions& options, const std::string& by_hand) {
  double wait = options.backoff_seconds;
  for (int i = 1;; ++i) {
    const Outcome outcome = try_once(url, partial, options);
    if (outcome.ok) return;
    if (!outcome.again || i >= options.tries) {
      const std::string tries = i > 1 ? " (" + std::to_string(i) + " tries)" : "";
      throw Error(Code::download_failed, "cannot download " + url + tries + ": " + outcome.why, by_hand);
    }
    if (options.retrying) options.retrying("downloading " + url + " failed, trying again: " + outcome.why);
    std::this_thread::sleep_for(std::chrono::duration<double>(wait));
    wait *= 2;
  }
}

std::string checked_sha256(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  if (out.size() != 64 || out.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw Error(Code::usage, "sha256 expects 64 hex digits, got \"" + std::string(text) + "\"", "sha256sum FILE prints them");
  return out;
}

void check_scheme(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://", "file://"})
    if (url.starts_with(scheme) && url.size() > scheme.size()) return;
  throw Error(Code::usage, "cannot fetch \"" + std::string(url) + "\"", "a url starts with https://, http:// or file://");
}

fs::path made_folder(const FetchOptions& options, const std::string& name) {
  const fs::path folder = fs::path(options.folder.empty() ? cache_folder() : options.folder) / name;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    throw Error(Code::io, "cannot make the cache folder: " + failed.message(), "set GPTCORE_CACHE to a folder you may write",
                folder.string());
  return folder;
}

bool is_good(const fs::path& path, const std::string& sha256) {
  std::error_code none;
  return fs::is_regular_file(path, none) && (sha256.empty() || sha256_hex_of_file(path) == sha256);
}

}  // namespace

void require_fetchable(std::string_view url, std::string_view sha256) {
  check_scheme(url);
  if (!sha256.empty()) checked_sha256(sha256);
}

std::string fetch(std::string_view url_text, std::string_view sha256_text, const FetchOptions& options) {
  const std::string url(url_text), sha256 = sha256_text.empty() ? "" : checked_sha256(sha256_text);
  check_scheme(url);
  const fs::path folder = made_folder(options, sha256.empty() ? "url-" + sha256_hex(url).substr(0, 32) : sha256);
  const fs::path path = folder / file_name_of(url);
  if (is_good(path, sha256)) return path.string();

  const std::string by_hand = "download it yourself and put it at " + path.string() +
                              (sha256.empty() ? "" : " (SHA-256 " + sha256 + ")") + ", or name your copy in the pipeline file";
  const Partial partial(path.string() + ".partial");
  if (!partial.still_named()) return fetch(url, sha256, options);  // another process was faster
  if (sha256.empty()) partial.restart();
  const bool resumed = partial.size() > 0;
  download(url, partial, options, by_hand);
  std::string found = sha256_hex_of_file(path.string() + ".partial");
  if (sha256.empty()) {
    if (options.unverified) options.unverified(found);
    partial.publish(path);
    return path.string();
  }
  if (found != sha256 && resumed) {  // the part from before may have belonged to another file
    partial.restart();
    download(url, partial, options, by_hand);
    found = sha256_hex_of_file(path.string() + ".partial");
  }
  if (found != sha256) {
    partial.restart();
    throw Error(Code::download_failed, "the file at " + url + " has SHA-256 " + found + ", expected " + sha256,
                "correct sha256 if the file was meant to change; else " + by_hand);
  }
  partial.publish(path);
  return path.string();
}

std::string file_name_of(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const size_t slash = url.rfind('/');
  std::string name(slash == std::string_view::npos ? "" : url.substr(slash + 1));
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') c = '_';
  if (name.find_first_not_of('.') == std::string::npos) return "file";
  return name.substr(0, 128);
}

}  // namespace gptcore
