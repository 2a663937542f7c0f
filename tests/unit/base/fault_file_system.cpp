#include "tests/unit/base/fault_file_system.h"

#include <csignal>

namespace gptcore {
namespace {

using Path = std::filesystem::path;

class FaultWritableFile final : public WritableFile {
 public:
  FaultWritableFile(FaultFileSystem& faults, const Path& path, std::unique_ptr<WritableFile> base)
      : faults_(faults), path_(path), base_(std::move(base)) {}
  void write(std::span<const std::byte> bytes) override {
    faults_.step(path_, [&] { base_->write(bytes.first(bytes.size() / 2)); });
    base_->write(bytes);
  }
  void sync() override {
    faults_.step(path_);
    if (faults_.flush) base_->sync();
  }
  void close() override {
    faults_.step(path_);
    base_->close();
  }

 private:
  FaultFileSystem& faults_;
  Path path_;
  std::unique_ptr<WritableFile> base_;
};

class FaultReadableFile final : public ReadableFile {
 public:
  FaultReadableFile(FaultFileSystem& faults, const Path& path, std::unique_ptr<ReadableFile> base)
      : faults_(faults), path_(path), base_(std::move(base)) {}
  uint64_t size() const override { return base_->size(); }
  size_t read_at(uint64_t offset, std::span<std::byte> out) const override {
    faults_.step(path_);
    return base_->read_at(offset, out);
  }

 private:
  FaultFileSystem& faults_;
  Path path_;
  std::unique_ptr<ReadableFile> base_;
};

}  // namespace

void FaultFileSystem::plan(int call, Fault fault, int error_number) {
  call_ = call;
  calls_ = 0;
  fault_ = fault;
  error_number_ = error_number;
  struck_ = false;
}

void FaultFileSystem::step(const Path& path, const std::function<void()>& first) {
  ++calls_;
  const bool due = fault_ == Fault::fail_onward ? calls_ >= call_ : calls_ == call_;
  if (call_ == 0 || !due) return;
  struck_ = true;
  if (first) first();
  if (fault_ == Fault::kill) ::raise(SIGKILL);
  throw_file_error(error_number_, "do what the test forbids to", path);
}

std::unique_ptr<WritableFile> FaultFileSystem::create(const Path& path) {
  step(path);
  return std::make_unique<FaultWritableFile>(*this, path, base_.create(path));
}

std::unique_ptr<ReadableFile> FaultFileSystem::open(const Path& path) {
  step(path);
  return std::make_unique<FaultReadableFile>(*this, path, base_.open(path));
}

std::vector<FileEntry> FaultFileSystem::list(const Path& directory) {
  step(directory);
  return base_.list(directory);
}

FileKind FaultFileSystem::kind(const Path& path) {
  step(path);
  return base_.kind(path);
}

void FaultFileSystem::make_directory(const Path& path) {
  step(path);
  base_.make_directory(path);
}

void FaultFileSystem::rename(const Path& from, const Path& to) {
  step(to);
  base_.rename(from, to);
}

void FaultFileSystem::rename_new(const Path& from, const Path& to) {
  step(to);
  base_.rename_new(from, to);
}

bool FaultFileSystem::exchange(const Path& a, const Path& b) {
  step(b);
  return can_exchange && base_.exchange(a, b);
}

void FaultFileSystem::remove_file(const Path& path) {
  step(path);
  base_.remove_file(path);
}

void FaultFileSystem::remove_directory(const Path& path) {
  step(path);
  base_.remove_directory(path);
}

void FaultFileSystem::sync_directory(const Path& directory) {
  step(directory);
  if (flush) base_.sync_directory(directory);
}

uint64_t FaultFileSystem::free_bytes(const Path& directory) {
  step(directory);
  return base_.free_bytes(directory);
}

}  // namespace gptcore
