#include "core/plugin/fetch.h"

#include <httplib.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "core/base/hash.h"
#include "gptcore/error.h"
#include "tests/catch.h"
#include "tests/unit/base/temp_folder.h"

using namespace gptcore;
using Catch::Matchers::Contains;

namespace {

std::string corpus() {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  return text;
}

// An HTTP server of this test's own, with the ways a server can misbehave as paths.
class Site {
 public:
  Site() : text(corpus()) {
    server_.Get("/text.txt", [this](const httplib::Request& request, httplib::Response& response) {
      note(request);
      response.set_content(text, "text/plain");
    });
    server_.Get("/no-ranges.txt", [this](const httplib::Request& request, httplib::Response& response) {
      note(request);
      response.status = 200;
      response.set_chunked_content_provider("text/plain", [this](size_t, httplib::DataSink& sink) {
        sink.write(text.data(), text.size());
        sink.done();
        return true;
      });
    });
    server_.Get("/dies.txt", [this](const httplib::Request& request, httplib::Response& response) {
      note(request);
      const bool dies = hits == 1;
      response.set_content_provider(text.size(), "text/plain", [this, dies](size_t at, size_t, httplib::DataSink& sink) {
        sink.write(text.data() + at, (dies ? text.size() / 2 : text.size()) - at);
        return !dies;
      });
    });
    server_.Get("/busy.txt", [this](const httplib::Request& request, httplib::Response& response) {
      note(request);
      if (hits < 3)
        response.status = 503;
      else
        response.set_content(text, "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Site() { stop(); }

  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + "/" + path; }
  std::string sha256() const { return sha256_hex(text); }

  const std::string text;
  std::atomic<int> hits = 0;
  std::string last_range;

 private:
  void note(const httplib::Request& request) {
    ++hits;
    last_range = request.get_header_value("Range");
  }

  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

struct Cache {
  Cache() {
    options.folder = folder.path.string();
    options.backoff_seconds = 0.01;
    options.retrying = [this](const std::string&) { ++retries; };
  }
  std::filesystem::path path(const Site& site, const std::string& name) const { return folder.path / site.sha256() / name; }

  TempFolder folder;
  FetchOptions options;
  int retries = 0;
};

Error error_of(const std::string& url, const std::string& sha256, const FetchOptions& options) {
  try {
    fetch(url, sha256, options);
  } catch (const Error& e) {
    return e;
  }
  FAIL("fetched");
  throw;
}

}  // namespace

TEST_CASE("a file is downloaded once and then found in the cache") {
  Site site;
  Cache cache;
  int64_t done = 0, total = 0;
  cache.options.progress = [&](int64_t d, int64_t t) { done = d, total = t; };
  const std::string path = fetch(site.url("text.txt"), site.sha256(), cache.options);
  CHECK(path == cache.path(site, "text.txt"));
  CHECK(read_raw(path) == site.text);
  CHECK(done == static_cast<int64_t>(site.text.size()));
  CHECK(total == done);
  CHECK(!std::filesystem::exists(path + ".partial"));
  site.stop();
  CHECK(fetch(site.url("text.txt"), site.sha256(), cache.options) == path);
  CHECK(site.hits == 1);
}

TEST_CASE("a hash in capital letters is the same hash") {
  Site site;
  Cache cache;
  std::string upper = site.sha256();
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK_NOTHROW(fetch(site.url("text.txt"), upper, cache.options));
}

TEST_CASE("a file in the cache that was damaged is downloaded again") {
  Site site;
  Cache cache;
  const std::string path = fetch(site.url("text.txt"), site.sha256(), cache.options);
  write_raw(path, "damaged");
  fetch(site.url("text.txt"), site.sha256(), cache.options);
  CHECK(read_raw(path) == site.text);
}

TEST_CASE("an interrupted download goes on where it stopped") {
  Site site;
  Cache cache;
  std::filesystem::create_directories(cache.path(site, ""));
  write_raw(cache.path(site, "text.txt.partial"), site.text.substr(0, 1000));
  CHECK(read_raw(fetch(site.url("text.txt"), site.sha256(), cache.options)) == site.text);
  CHECK(site.last_range == "bytes=1000-");
}

TEST_CASE("a rest of another file, or more than the whole, is thrown away and fetched anew") {
  Site site;
  Cache cache;
  std::filesystem::create_directories(cache.path(site, ""));
  const auto rest = GENERATE(std::string(1000, 'x'), std::string(10000000, 'x'));
  write_raw(cache.path(site, "text.txt.partial"), rest);
  CHECK(read_raw(fetch(site.url("text.txt"), site.sha256(), cache.options)) == site.text);
}

TEST_CASE("without a hash a file is fetched whole, once, and its hash is told") {
  Site site;
  Cache cache;
  std::string told;
  cache.options.unverified = [&](const std::string& hash) { told += hash; };
  const std::string path = fetch(site.url("text.txt"), "", cache.options);
  CHECK(read_raw(path) == site.text);
  CHECK(told == site.sha256());
  CHECK(fetch(site.url("text.txt"), "", cache.options) == path);
  CHECK(site.hits == 1);
  std::filesystem::remove(path);
  write_raw(path + ".partial", site.text.substr(0, 1000));  // whose rest may have changed since
  CHECK(read_raw(fetch(site.url("text.txt"), "", cache.options)) == site.text);
  CHECK(site.last_range.empty());
  CHECK(fetch(site.url("dies.txt"), "", cache.options) != path);
}

TEST_CASE("a server without ranges is read from the start") {
  Site site;
  Cache cache;
  std::filesystem::create_directories(cache.path(site, ""));
  write_raw(cache.path(site, "no-ranges.txt.partial"), site.text.substr(0, 1000));
  CHECK(read_raw(fetch(site.url("no-ranges.txt"), site.sha256(), cache.options)) == site.text);
}

TEST_CASE("a server that dies mid-way is tried again from where it stopped") {
  Site site;
  Cache cache;
  CHECK(read_raw(fetch(site.url("dies.txt"), site.sha256(), cache.options)) == site.text);
  CHECK(cache.retries == 1);
  CHECK(site.last_range == "bytes=" + std::to_string(site.text.size() / 2) + "-");
}

TEST_CASE("a busy server is tried three times") {
  Site site;
  Cache cache;
  CHECK(read_raw(fetch(site.url("busy.txt"), site.sha256(), cache.options)) == site.text);
  CHECK(cache.retries == 2);
}

TEST_CASE("content with another hash is refused, with both hashes, and never gets the file's name") {
  Site site;
  Cache cache;
  const std::string other(64, 'a');
  const Error e = error_of(site.url("text.txt"), other, cache.options);
  CHECK(e.code() == Code::download_failed);
  CHECK_THAT(e.what(), Contains(site.sha256()) && Contains("expected " + other));
  CHECK(!std::filesystem::exists(cache.folder.path / other / "text.txt"));
}

TEST_CASE("a missing page fails at once") {
  Site site;
  Cache cache;
  const Error e = error_of(site.url("none.txt"), site.sha256(), cache.options);
  CHECK(e.code() == Code::download_failed);
  CHECK_THAT(e.what(), Contains("404") && Contains(site.url("none.txt")));
  CHECK(cache.retries == 0);
}

TEST_CASE("without a network the error says where to put the file by hand, and that works") {
  Site site;
  Cache cache;
  site.stop();
  const Error e = error_of(site.url("text.txt"), site.sha256(), cache.options);
  CHECK(e.code() == Code::download_failed);
  CHECK(cache.retries == 2);
  const std::string path = cache.path(site, "text.txt").string();
  CHECK_THAT(e.line(), Contains(site.url("text.txt")) && Contains("(3 tries)") && Contains("put it at " + path) &&
                           Contains(site.sha256()) && Contains("name your copy in the pipeline file"));
  write_raw(path, site.text);
  CHECK(fetch(site.url("text.txt"), site.sha256(), cache.options) == path);
}

TEST_CASE("a file url is copied into the cache") {
  Cache cache;
  const auto source = cache.folder.path / "source.txt";
  write_raw(source, "some text");
  CHECK(read_raw(fetch("file://" + source.string(), sha256_hex("some text"), cache.options)) == "some text");
}

TEST_CASE("two at once download the file once") {
  Site site;
  Cache cache;
  cache.options.retrying = nullptr;
  std::thread other([&] { fetch(site.url("text.txt"), site.sha256(), cache.options); });
  const std::string path = fetch(site.url("text.txt"), site.sha256(), cache.options);
  other.join();
  CHECK(read_raw(path) == site.text);
  CHECK(site.hits == 1);
}

TEST_CASE("a malformed url or hash is the caller's mistake") {
  Cache cache;
  const std::string good(64, '0');
  for (const std::string url : {"", "ftp://host/x", "host/x", "https://", "scp://x", "/etc/passwd"})
    CHECK(error_of(url, good, cache.options).code() == Code::usage);
  for (const std::string& sha : {std::string(63, '0'), std::string(64, 'g')})
    CHECK(error_of("http://127.0.0.1/x", sha, cache.options).code() == Code::usage);
}

TEST_CASE("a cache folder that cannot be made is named") {
  Cache cache;
  write_raw(cache.folder.path / "file", "");
  cache.options.folder = (cache.folder.path / "file/below").string();
  const Error e = error_of("http://127.0.0.1/x", std::string(64, '0'), cache.options);
  CHECK(e.code() == Code::io);
  CHECK_THAT(e.line(), Contains("GPTCORE_CACHE") && Contains("file/below"));
}

TEST_CASE("a file's name comes from its url and is safe") {
  CHECK(file_name_of("https://a.b/c/input.txt") == "input.txt");
  CHECK(file_name_of("https://a.b/c/input.txt?raw=1#x/y") == "input.txt");
  CHECK(file_name_of("https://a.b/c/a%20b;c") == "a_20b_c");
  CHECK(file_name_of("https://a.b/c/..") == "file");
  CHECK(file_name_of("https://a.b") == "file");
  CHECK(file_name_of("https://a.b/") == "file");
}

TEST_CASE("the cache folder follows its variables in order") {
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  ::setenv("GPTCORE_CACHE", "/own", 1);
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  ::setenv("HOME", "/home/me", 1);
  CHECK(cache_folder() == "/own");
  ::unsetenv("GPTCORE_CACHE");
  CHECK(cache_folder() == "/xdg/gptcore");
  ::unsetenv("XDG_CACHE_HOME");
  CHECK(cache_folder() == "/home/me/.cache/gptcore");
  ::unsetenv("HOME");
  CHECK_THROWS_AS(cache_folder(), Error);
  ::setenv("HOME", home.c_str(), 1);
}
