#include "core/plugin/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gptcore/error.h"

namespace gptcore {
namespace {

constexpr uint64_t kMaxNames = 1 << 20;  // bytes of section names; real libraries have a few hundred

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "add this architecture's EM_ number"
#endif

std::string machine_name(uint16_t machine) {
  if (machine == EM_X86_64) return "x86_64";
  if (machine == EM_AARCH64) return "aarch64";
  if (machine == EM_386) return "i386";
  return "architecture number " + std::to_string(machine);
}

// An open file whose reads are checked against its size.
class Bytes {
 public:
  explicit Bytes(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) {
      const int reason = errno;
      const Code code = reason == ENOENT || reason == ENOTDIR ? Code::plugin_missing : Code::plugin_refused;
      throw Error(code, std::string("cannot open the plugin: ") + std::strerror(reason), "check the path", path);
    }
    struct stat info {};
    if (::fstat(file_, &info) == 0 && S_ISREG(info.st_mode)) {
      size_ = static_cast<uint64_t>(info.st_size);
      return;
    }
    ::close(file_);
    const bool folder = S_ISDIR(info.st_mode);
    refuse(folder ? Code::plugin_is_directory : Code::plugin_not_elf,
           folder ? "is a folder, not a plugin" : "is not a regular file", "name the .so file itself");
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { ::close(file_); }

  [[noreturn]] void refuse(Code code, const std::string& message, const std::string& hint) const {
    throw Error(code, message, hint, path_);
  }
  [[noreturn]] void refuse_damaged(const std::string& message) const {
    refuse(Code::plugin_truncated, message, "build or copy it again");
  }

  uint64_t size() const { return size_; }

  void read(uint64_t offset, void* out, uint64_t count, const char* what) const {
    if (offset > size_ || count > size_ - offset)
      refuse_damaged("is truncated: its " + std::string(what) + " ends beyond the file's " + std::to_string(size_) + " bytes");
    for (uint64_t done = 0; done < count;) {
      const ssize_t got = ::pread(file_, static_cast<char*>(out) + done, count - done, static_cast<off_t>(offset + done));
      if (got <= 0)
        refuse(Code::plugin_refused, "cannot be read: " + std::string(got < 0 ? std::strerror(errno) : "it shrank"),
               "check the disk");
      done += static_cast<uint64_t>(got);
    }
  }

  std::string text(uint64_t offset, uint64_t count, const char* what) const {
    if (count > size_) read(offset, nullptr, count, what);  // throws before anything is allocated
    std::string out(count, '\0');
    read(offset, out.data(), count, what);
    return out;
  }

 private:
  std::string path_;
  int file_;
  uint64_t size_ = 0;
};

bool looks_like_text(const std::string& head) {
  return std::all_of(head.begin(), head.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\t' || c == '\r'; });
}

Elf64_Ehdr read_header(const Bytes& bytes) {
  const std::string head = bytes.text(0, std::min<uint64_t>(bytes.size(), 64), "head");
  if (head.compare(0, SELFMAG, ELFMAG) != 0)
    bytes.refuse(Code::plugin_not_elf,
                 head.empty()            ? "is empty"
                 : looks_like_text(head) ? "is a text file, not a shared library"
                                         : "is not an ELF file",
                 "name a plugin's .so file");
  Elf64_Ehdr header{};
  bytes.read(0, &header, sizeof header, "ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    bytes.refuse(Code::plugin_architecture, "is not a 64-bit little-endian ELF file", "build it for this machine");
  if (header.e_machine != kMachine)
    bytes.refuse(Code::plugin_architecture,
                 "was built for " + machine_name(header.e_machine) + ", this program for " + machine_name(kMachine),
                 "build it for this machine");
  if (header.e_type != ET_DYN)
    bytes.refuse(Code::plugin_not_elf, "is an ELF file but not a shared library", "link it with -shared");
  if (header.e_shoff == 0 || header.e_shnum == 0 || header.e_shentsize != sizeof(Elf64_Shdr))
    bytes.refuse(Code::plugin_no_descriptor, "has no section table, so no plugin's descriptor can be found",
                 "do not strip section headers from plugins");
  return header;
}

}  // namespace

ElfFile::ElfFile(const std::string& path) : path_(path) {
  const Bytes bytes(path);
  const Elf64_Ehdr header = read_header(bytes);
  std::vector<Elf64_Shdr> table(header.e_shnum);
  bytes.read(header.e_shoff, table.data(), table.size() * sizeof(Elf64_Shdr), "section table");
  if (header.e_shstrndx >= table.size() || table[header.e_shstrndx].sh_size > kMaxNames)
    bytes.refuse_damaged("has a damaged section table");
  const Elf64_Shdr& strings = table[header.e_shstrndx];
  const std::string names = bytes.text(strings.sh_offset, strings.sh_size, "table of section names");

  for (const Elf64_Shdr& s : table) {
    if (s.sh_name >= names.size() || s.sh_type == SHT_NULL || s.sh_type == SHT_NOBITS) continue;
    const size_t end = std::min(names.find('\0', s.sh_name), names.size());
    sections_.push_back({names.substr(s.sh_name, end - s.sh_name), s.sh_offset, s.sh_size});
  }
}

std::optional<std::string> ElfFile::section(std::string_view name, uint64_t limit) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(), [&](const Section& s) { return s.name == name; });
  if (found == sections_.end()) return std::nullopt;
  const std::string what = "section " + std::string(name);
  const Bytes bytes(path_);
  if (found->size > limit)
    bytes.refuse_damaged("has a " + what + " of " + std::to_string(found->size) + " bytes; at most " + std::to_string(limit) +
                         " are allowed");
  return bytes.text(found->offset, found->size, what.c_str());
}

}  // namespace gptcore
