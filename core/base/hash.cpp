#include "core/base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <new>
#include <vector>

#include "core/base/file_system.h"
#include "gptcore/error.h"

namespace gptcore {
namespace {

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void require(int ok) {
  if (ok != 1) throw Error(Code::internal, "OpenSSL has no working SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
  return to_hex(digest);
}

void Xxh3::Free::operator()(XXH3_state_s* state) const noexcept {
  XXH3_freeState(state);
}

Xxh3::Xxh3() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}

void Xxh3::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

std::string Xxh3::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
  return to_hex(canonical.digest);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes_of(bytes));
  return hash.hex();
}

std::string sha256_hex_of_file(const std::filesystem::path& path) {
  const auto files = posix_file_system();
  const auto file = files->open(path);
  Sha256 hash;
  std::vector<std::byte> piece(kPieceBytes);
  for (uint64_t offset = 0;;) {
    const size_t got = file->read_at(offset, piece);
    if (got == 0) return hash.hex();
    hash.update({piece.data(), got});
    offset += got;
  }
}

std::string xxh3_hex(std::string_view bytes) {
  Xxh3 hash;
  hash.update(bytes_of(bytes));
  return hash.hex();
}

}  // namespace gptcore
