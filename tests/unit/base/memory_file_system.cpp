#include "tests/unit/base/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace gptcore {

using Path = std::filesystem::path;

struct MemoryFileSystem::Node {
  bool directory = false;
  std::string content, synced_content;
  std::map<std::string, NodePtr> entries, synced_entries;
};

namespace {

using Node = MemoryFileSystem::Node;
using NodePtr = MemoryFileSystem::NodePtr;

class MemoryWritableFile final : public WritableFile {
 public:
  MemoryWritableFile(MemoryFileSystem& files, NodePtr node) : files_(files), node_(std::move(node)) {}
  void write(std::span<const std::byte> bytes) override {
    node_->content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void sync() override {
    if (files_.before_sync) files_.before_sync();
    node_->synced_content = node_->content;
  }
  void close() override {}

 private:
  MemoryFileSystem& files_;
  NodePtr node_;
};

class MemoryReadableFile final : public ReadableFile {
 public:
  explicit MemoryReadableFile(NodePtr node) : node_(std::move(node)) {}
  uint64_t size() const override { return node_->content.size(); }
  size_t read_at(uint64_t offset, std::span<std::byte> out) const override {
    if (offset >= size()) return 0;
    const size_t got = std::min<size_t>(out.size(), size() - offset);
    std::memcpy(out.data(), node_->content.data() + offset, got);
    return got;
  }

 private:
  NodePtr node_;
};

NodePtr survivor(const NodePtr& node, std::mt19937* random) {
  const auto chance = [&] { return random && (*random)() % 2 == 0; };
  auto copy = std::make_shared<Node>();
  copy->directory = node->directory;
  copy->content = chance() ? node->content.substr(0, node->content.size() / (chance() ? 2 : 1)) : node->synced_content;
  if (node->content == node->synced_content) copy->content = node->content;
  copy->synced_content = copy->content;
  std::set<std::string> names;
  for (const auto& [name, child] : node->entries) names.insert(name);
  for (const auto& [name, child] : node->synced_entries) names.insert(name);
  for (const std::string& name : names) {
    const auto& entries = chance() ? node->entries : node->synced_entries;
    const auto child = entries.find(name);
    if (child != entries.end()) copy->entries[name] = survivor(child->second, random);
  }
  copy->synced_entries = copy->entries;
  return copy;
}

}  // namespace

MemoryFileSystem::MemoryFileSystem() : root_(std::make_shared<Node>()) {
  root_->directory = true;
}
MemoryFileSystem::~MemoryFileSystem() = default;

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::after_power_loss(std::mt19937* random) const {
  auto image = std::make_unique<MemoryFileSystem>();
  image->root_ = survivor(root_, random);
  return image;
}

NodePtr MemoryFileSystem::find(const Path& path) const {
  NodePtr node = root_;
  for (const Path& part : path.relative_path()) {
    const auto child = node->entries.find(part.string());
    if (child == node->entries.end()) return nullptr;
    node = child->second;
  }
  return node;
}

NodePtr MemoryFileSystem::folder_of(const Path& path) const {
  const NodePtr node = find(path.parent_path());
  if (!node) throw_file_error(ENOENT, "reach", path);
  return node;
}

std::unique_ptr<WritableFile> MemoryFileSystem::create(const Path& path) {
  if (find(path)) throw_file_error(EEXIST, "create", path);
  const auto node = std::make_shared<Node>();
  folder_of(path)->entries[path.filename().string()] = node;
  return std::make_unique<MemoryWritableFile>(*this, node);
}

std::unique_ptr<ReadableFile> MemoryFileSystem::open(const Path& path) {
  const NodePtr node = find(path);
  if (!node || node->directory) throw_file_error(ENOENT, "open", path);
  return std::make_unique<MemoryReadableFile>(node);
}

std::vector<FileEntry> MemoryFileSystem::list(const Path& directory) {
  const NodePtr node = find(directory);
  if (!node) throw_file_error(ENOENT, "list", directory);
  std::vector<FileEntry> entries;
  for (const auto& [name, child] : node->entries) {
    entries.push_back({name, child->directory ? FileKind::directory : FileKind::file, child->content.size()});
  }
  return entries;
}

FileKind MemoryFileSystem::kind(const Path& path) {
  const NodePtr node = find(path);
  if (!node) return FileKind::absent;
  return node->directory ? FileKind::directory : FileKind::file;
}

void MemoryFileSystem::make_directory(const Path& path) {
  if (find(path)) throw_file_error(EEXIST, "make the folder", path);
  const auto node = std::make_shared<Node>();
  node->directory = true;
  folder_of(path)->entries[path.filename().string()] = node;
}

void MemoryFileSystem::rename(const Path& from, const Path& to) {
  const NodePtr node = find(from);
  if (!node) throw_file_error(ENOENT, "rename to", to);
  folder_of(to)->entries[to.filename().string()] = node;
  folder_of(from)->entries.erase(from.filename().string());
}

void MemoryFileSystem::rename_new(const Path& from, const Path& to) {
  if (find(to)) throw_file_error(EEXIST, "rename to", to);
  rename(from, to);
}

bool MemoryFileSystem::exchange(const Path& a, const Path& b) {
  if (!find(a) || !find(b)) throw_file_error(ENOENT, "exchange with another", b);
  std::swap(folder_of(a)->entries[a.filename().string()], folder_of(b)->entries[b.filename().string()]);
  return true;
}

void MemoryFileSystem::remove_file(const Path& path) {
  if (!find(path)) throw_file_error(ENOENT, "remove", path);
  folder_of(path)->entries.erase(path.filename().string());
}

void MemoryFileSystem::remove_directory(const Path& path) {
  const NodePtr node = find(path);
  if (!node) throw_file_error(ENOENT, "remove the folder", path);
  if (!node->entries.empty()) throw_file_error(ENOTEMPTY, "remove the folder", path);
  folder_of(path)->entries.erase(path.filename().string());
}

void MemoryFileSystem::sync_directory(const Path& directory) {
  if (before_sync) before_sync();
  const NodePtr node = find(directory);
  if (!node) throw_file_error(ENOENT, "flush to disk", directory);
  node->synced_entries = node->entries;
}

uint64_t MemoryFileSystem::free_bytes(const Path&) {
  return free;
}

}  // namespace gptcore
