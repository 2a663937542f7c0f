#include "apps/gptcore/folder_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr int kQuietMs = 200;  // an editor writes more than once
constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE;

// Returns whether a folder or file holds no source: hidden ones, editors' copies, builds and runs.
bool is_ignored(std::string_view name) {
  return name.empty() || name.front() == '.' || name.back() == '~' || name.starts_with("build") || name == "runs";
}

}  // namespace

FolderWatch::FolderWatch(fs::path folder) : folder_(std::move(folder)), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (inotify_ < 0) throw Error(Code::io, std::string("cannot watch folders: ") + std::strerror(errno));
  add(folder_);
}

FolderWatch::~FolderWatch() {
  ::close(inotify_);
}

void FolderWatch::add(const fs::path& folder) {
  if (::inotify_add_watch(inotify_, folder.c_str(), kChanges) < 0)
    throw Error(Code::io, std::string("cannot watch the folder: ") + std::strerror(errno), "", folder.string());
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.is_directory(none) && !entry.is_symlink(none) && !is_ignored(entry.path().filename().string())) add(entry.path());
}

bool FolderWatch::read_events() {
  alignas(inotify_event) std::array<char, 8192> bytes{};
  bool changed = false;
  for (ssize_t got; (got = ::read(inotify_, bytes.data(), bytes.size())) > 0;)
    for (ssize_t at = 0; at < got;) {
      inotify_event event{};
      std::memcpy(&event, bytes.data() + at, sizeof event);
      const std::string_view name = event.len > 0 ? bytes.data() + at + sizeof event : "";
      changed = changed || !is_ignored(name);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  return changed;
}

void FolderWatch::wait() {
  pollfd ready{inotify_, POLLIN, 0};
  bool changed = read_events();
  while (!changed) {
    ::poll(&ready, 1, -1);
    changed = read_events();
  }
  while (::poll(&ready, 1, kQuietMs) > 0) read_events();
  add(folder_);  // new folders
}

}  // namespace gptcore
