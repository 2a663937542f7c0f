// Two hashes: SHA-256 shows that a downloaded file is the one its author meant; xxh3 finds damage in files that gptcore wrote.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX
struct XXH3_state_s;

namespace gptcore {

class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  // Returns 64 lowercase hex digits for all bytes so far. The object must not be used afterwards.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// XXH3 with 128 bits, as `xxhsum -H2` prints it.
class Xxh3 {
 public:
  Xxh3();
  void update(std::span<const std::byte> bytes);
  // Returns 32 lowercase hex digits for all bytes so far.
  std::string hex() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const noexcept;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

std::string sha256_hex(std::string_view bytes);
// Throws Error(io) naming the file when it cannot be read.
std::string sha256_hex_of_file(const std::filesystem::path& path);
std::string xxh3_hex(std::string_view bytes);

}  // namespace gptcore
