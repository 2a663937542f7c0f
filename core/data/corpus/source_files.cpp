#include "core/data/corpus/source_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

#include "gptcore/error.h"

namespace gptcore {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHead = 8192;  // a file without a NUL byte in its first bytes is taken for text

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

bool is_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string head(kHead, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  return head.find('\0') == std::string::npos;
}

bool has_extension(const fs::path& path, const std::vector<std::string>& extensions) {
  const std::string name = path.filename().string();
  return extensions.empty() || std::any_of(extensions.begin(), extensions.end(), [&](const std::string& e) {
           return name.ends_with(e.starts_with('.') ? e : "." + e);
         });
}

// Calls visit(entry) for everything below `folder`, but not in hidden folders.
template <class Visit> void walk(const fs::path& folder, Visit&& visit) {
  std::error_code failed;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, failed), end;
  for (; !failed && it != end; it.increment(failed)) {
    if (it->is_directory() && is_hidden(it->path())) {
      it.disable_recursion_pending();
      continue;
    }
    visit(*it);
  }
  if (failed)
    throw Error(Code::data_missing, "cannot read the folder: " + failed.message(), "check its permissions", folder.string());
}

std::vector<std::string> files_in(const fs::path& folder, const std::vector<std::string>& extensions) {
  std::vector<std::string> out;
  walk(folder, [&](const fs::directory_entry& e) {
    if (e.is_regular_file() && has_extension(e.path(), extensions) && is_text(e.path())) out.push_back(e.path().string());
  });
  return out;
}

bool is_pattern(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

// Adds the files below `folder` that match the pattern's parts [first, end).
void expand(const fs::path& folder, const std::vector<std::string>& parts, size_t first, std::vector<std::string>& out) {
  const std::string& part = parts[first];
  const bool last = first + 1 == parts.size();
  if (part == "**") {
    std::vector<fs::path> folders = {folder};
    walk(folder, [&](const fs::directory_entry& e) {
      if (e.is_directory() && !e.is_symlink()) folders.push_back(e.path());
      if (last && e.is_regular_file()) out.push_back(e.path().string());
    });
    for (const fs::path& f : folders)
      if (!last) expand(f, parts, first + 1, out);
    return;
  }
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) {
    if (::fnmatch(part.c_str(), it->path().filename().c_str(), FNM_PERIOD) != 0) continue;
    if (last && it->is_regular_file()) out.push_back(it->path().string());
    if (!last && it->is_directory()) expand(it->path(), parts, first + 1, out);
  }
}

std::vector<std::string> matches(const fs::path& pattern) {
  fs::path folder;
  std::vector<std::string> parts;
  for (const fs::path& part : pattern) {
    if (parts.empty() && !is_pattern(part.string()))
      folder /= part;
    else
      parts.push_back(part.string());
  }
  std::vector<std::string> out;
  expand(folder.empty() ? "." : folder, parts, 0, out);
  return out;
}

}  // namespace

std::vector<std::string> source_files(const std::string& entry, const std::vector<std::string>& extensions) {
  std::vector<std::string> out;
  std::error_code none;
  if (fs::is_directory(entry, none)) {
    out = files_in(entry, extensions);
    if (out.empty()) throw Error(Code::data_empty, "there is no text file in the folder", "check files and extensions", entry);
  } else if (fs::exists(entry, none)) {
    out = {entry};
  } else if (is_pattern(entry)) {
    out = matches(entry);
    if (out.empty())
      throw Error(Code::data_missing, "no file matches the pattern", "check files; ** stands for any folders", entry);
  } else {
    throw Error(Code::data_missing, "there is no such file or folder",
                "check files; relative paths count from the pipeline file, those of --set from here", entry);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::string> data_files(const std::vector<std::string>& entries, const std::vector<std::string>& endings) {
  std::vector<std::string> out;
  for (const std::string& entry : entries) {
    std::vector<std::string> found;
    std::error_code failed;
    if (!fs::is_directory(entry, failed)) {
      found = source_files(entry, {});
    } else {
      for (fs::directory_iterator it(entry, failed), end; !failed && it != end; it.increment(failed)) {
        const std::string name = it->path().filename().string();
        const auto ends = [&](const std::string& e) { return name.ends_with(e); };
        if (it->is_regular_file() && std::any_of(endings.begin(), endings.end(), ends)) found.push_back(it->path().string());
      }
      if (found.empty())
        throw Error(Code::data_missing, "there is no file in the folder whose name ends with " + endings.front(),
                    "check the path", entry);
      std::sort(found.begin(), found.end());
    }
    for (std::string& file : found)
      if (std::find(out.begin(), out.end(), file) == out.end()) out.push_back(std::move(file));
  }
  return out;
}

std::vector<std::string> expanded_urls(const std::vector<std::string>& urls) {
  static const std::regex kRange(R"(\{(\d{1,9})\.\.(\d{1,9})\})");
  std::vector<std::string> out;
  for (const std::string& url : urls) {
    std::smatch found;
    if (!std::regex_search(url, found, kRange)) {
      out.push_back(url);
      continue;
    }
    const std::string first = found[1];
    for (int64_t i = std::stoll(first); i <= std::stoll(found[2]); ++i) {
      const std::string number = std::to_string(i);
      const size_t zeros = first.size() - std::min(first.size(), number.size());
      out.push_back(found.prefix().str() + std::string(zeros, '0') + number + found.suffix().str());
    }
  }
  return out;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw Error(Code::data_missing, std::string("cannot open the file: ") + std::strerror(errno), "check its permissions",
                path);
  std::string text;
  std::error_code none;
  if (const auto size = fs::file_size(path, none); !none) text.reserve(size);
  char piece[1 << 16];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) text.append(piece, static_cast<size_t>(in.gcount()));
  if (in.bad())
    throw Error(Code::data_missing, std::string("cannot read the file: ") + std::strerror(errno), "check the disk", path);
  return text;
}

}  // namespace gptcore
